// From what was scanned, typed or said to a thing: by the address of a code, a GS1 Digital Link, an id, or a number.

import { ask, segment } from "./wire.js";

const URI = /^(https:\/\/id\.gs1\.org\/|urn:uuid:)/;
const CODE = /\/(i|c|r)\/([A-Za-z0-9_-]{22})(?:[/?#]|$)/;
/** The customer's alone: nobody is asked what it leads to, so that it stands in no address and no log. */
const OWNER = /\/o#/;
const LINK = /\/(01\/[0-9]{14}\/21\/[^/?#]+|8004\/[^/?#]+)/;
const PHONE = /^[+(]?[0-9][0-9 ()/.-]{4,}$/;
/** One word with a digit in it, a telephone's digits, or who gave a number and the number: "GIA 123-456". */
const NUMBER = /^\S*\d\S*$|^[+(0-9][0-9 ()/.-]+$|^\S+ \S*\d{3}\S*$/;
/** What a number could be, in the order in which it is looked for; each costs one of the searches of a quarter of an hour. */
const NUMBERS = ["job_no", "serial", "certificate_no", "receipt_no"];

/** The state of an item, or `null`; raises `Offline`. */
export async function itemOf(id) {
  const answer = await ask("GET", `/v1/items/${segment(id)}`);
  return answer.ok ? answer.body : null;
}

async function byCode(letter, token) {
  const answer = await ask("GET", `/${letter}/${token}`);
  if (!answer.ok) return [];
  if (letter === "r") return (answer.body.items ?? []).map((one) => ({ id: one.item ?? one.id })).filter((one) => one.id);
  return [{ id: answer.body.id ?? answer.body.item ?? answer.body.subject, code: letter === "i" ? token : undefined }];
}

async function byNumber(kind, text) {
  const answer = await ask("POST", "/v1/find", { [kind]: text });
  if (answer.status === 429) throw answer.body;
  return answer.ok ? answer.body.found.map((one) => ({ id: one.subject })) : [];
}

async function byWords(text) {
  const answer = await ask("GET", `/v1/items?limit=20&text=${encodeURIComponent(text)}`);
  return answer.ok ? answer.body.items : [];
}

/** The id that a text is in itself, without asking anybody: an id, or a Digital Link of whatever host. */
export function idIn(text) {
  if (URI.test(text)) return text;
  const link = LINK.exec(text);
  return link ? `https://id.gs1.org/${link[1]}` : null;
}

/** The things that a text leads to, each `{id, code?}`; `kind` says what it is, or "any". Raises `Offline`, or a problem. */
export async function find(text, kind = "any") {
  const typed = text.trim();
  if (OWNER.test(typed)) return [];
  if (kind === "words") return byWords(typed);
  if (kind !== "any") return once(await byNumber(kind, typed));
  const code = CODE.exec(typed);
  if (code) return once(await byCode(code[1], code[2]));
  const id = idIn(typed);
  if (id) return [{ id }];
  if (typed.includes("@")) return once(await byNumber("email", typed));
  const kinds = PHONE.test(typed) ? [...NUMBERS, "phone"] : [...NUMBERS];
  if (/^[0-9A-Za-z]{4}[- ]?[0-9A-Za-z]{4}[- ]?[0-9A-Za-z]{3,4}$/.test(typed)) kinds.unshift("short_code");
  for (const one of NUMBER.test(typed) ? kinds : []) {
    const found = await byNumber(one, typed);
    if (found.length) return once(found);
  }
  return byWords(typed);
}

const once = (found) => [...new Map(found.map((one) => [one.id, one])).values()];

/** The entries of an item's history, oldest first, each with its statement and the private members that we may see. */
export async function historyOf(id) {
  const answer = await ask("GET", `/v1/items/${segment(id)}/history`);
  if (!answer.ok) return [];
  const part = answer.body.histories.find((one) => one.subject === id) ?? answer.body.histories[0];
  const base64 = (text) => new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0)));
  const entries = part.entries.map((raw) => JSON.parse(raw));
  const spokenBy = speakersOf(entries, part.subject);
  return entries.map((entry) => {
    const shown = (answer.body.disclosures?.[entry.statement.id] ?? []).map((one) => JSON.parse(base64(one)));
    return { ...entry, spoken: spokenBy(entry), private: Object.fromEntries(shown.map(([, name, value]) => [name, value])) };
  });
}

/** Of a holder's statement how its key is kept, and whether it came by reset; of a party's nothing. A grant is the hash
 * of the entry that named the key, which the next entry about the same thing links to. */
function speakersOf(entries, subject) {
  const named = new Map(entries.slice(1).map((one, place) => [one.links.find((link) => link.subject === subject)?.prev, entries[place].statement]));
  return ({ statement: { grant } }) => {
    if (!grant) return null;
    const by = named.get(grant);
    return { custody: by?.details.holder_custody ?? "receipt", reset: by?.type === "item.holder_reset" };
  };
}
