// What a shared tablet lays in for when the network is down: the ids of open cases, and cards drawn in advance.
//
// No record of anybody: of a case its id, its thing, the thing's name and the job number, as the slip shows them; of a
// card the digest of its view code and its public keys. What waits to be sent counts as well: a thing that was taken in
// without a network is handed over without one.

import { all, alter, know, known } from "./store.js";
import { enrolled } from "./tablet.js";
import { idIn } from "./things.js";
import { told } from "./words.js";
import { ask } from "./wire.js";

const MOST = 200;
const TOKEN = /(?:^|\/i\/)([A-Za-z0-9_-]{22})(?:[/?#]|$)/;

/** Ask for what may be needed; nothing on a browser that is no tablet of the party. */
export async function layIn(who) {
  if (!(await enrolled(who))) return;
  const cases = await ask("GET", `/v1/cases?closed=false&limit=${MOST}`);
  if (cases.ok) await know("cases", cases.body.cases.map(({ case: id, subject, name, job_no }) => ({ case: id, subject, name, job_no })));
  const cards = await ask("GET", "/v1/codes?keys=true");
  if (cards.ok) await know("cards", cards.body.cards);
}

/** The thing that a text means, as far as that is known here: `{id, name, cases, laid}`, or `null`. */
export async function laidIn(text) {
  const said = (await all()).flatMap((record) => record.statements).map((one) => one.statement);
  const opened = said.filter((one) => one.type === "case.opened").map((one) => ({ case: one.case, subject: one.subjects[0], job_no: one.details.job_no }));
  const named = new Map(said.filter((one) => one.type === "item.registered").map((one) => [one.subjects[0], one.details.name]));
  const cases = [...((await known("cases")) ?? []), ...opened].map((one) => ({ ...one, name: one.name ?? named.get(one.subject) }));
  const meant = cases.filter((one) => [one.job_no, one.name].includes(text));
  const id = idIn(text) ?? (new Set(meant.map((one) => one.subject)).size === 1 ? meant[0].subject : null);
  if (!id) return null;
  const closed = new Set(said.filter((one) => one.type === "case.closed").map((one) => one.case));
  const mine = cases.filter((one) => one.subject === id);
  return {
    id,
    name: mine.at(-1)?.name ?? named.get(id) ?? text,
    cases: mine.map((one) => ({ case: one.case, closed: closed.has(one.case) })),
    laid: said.filter((one) => one.subjects[0] === id).map((statement) => ({ statement })),
  };
}

/** The card of a view code, `{custody, keys, used}`: as laid in, or by asking; `null` for none. Raises `Offline`. */
export async function cardOf(text) {
  const token = TOKEN.exec(text.trim())?.[1];
  if (!token) return null;
  const [{ sha256 }, { hexOf, utf8 }] = await Promise.all(["owner_keys.js", "forms.js"].map((name) => import(told.modules + name)));
  const digest = hexOf(await sha256(utf8(token)));
  const card = ((await known("cards")) ?? []).find((one) => one.token_sha256 === digest);
  if (card) return card;
  const answer = await ask("GET", "/v1/codes", undefined, { "Patina-Code": token });
  return answer.ok ? (answer.body.cards[0] ?? null) : null;
}

/** Remember that a card was given out, so that it is not given out twice before the network is back. */
export async function useCard(card) {
  await alter("cards", (cards = []) => cards.map((one) => (one.code_id === card.code_id ? { ...one, used: true } : one)));
}
