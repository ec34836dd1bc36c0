// The page of an item or of a case that checks itself: fetches the history bundle from its own site, makes the numbered checks of
// format.md §7, and says in the page's badge what came out. docs/verify.md says what that shows and what it cannot.
//
// The page says what to check in the attributes of the element `data-check`, and in which words in its `data-word`s.

import { parseHistory, parseProof } from "./bundle.js";
import { openCrypto } from "./crypto.js";
import { Disproved, Malformed, PatinaError, Unknown } from "./errors.js";
import { textOf } from "./forms.js";
import { checkHistory } from "./history.js";
import { isObject, parse } from "./json.js";
import { keptOf, recall, remember } from "./memory.js";
import { parseCheckpoint, parseNote, parseVkey } from "./note.js";
import { guardFiles } from "./opened.js";

const MAX_BUNDLE = 64 * 1024 * 1024;
const CONSISTENCY = "/v1/log/proof/consistency";

/** The network or the server gave no answer. */
class Unreachable extends Error {}

/** The body of an address of this site; throws `Malformed` or `Unreachable`. */
async function get(path) {
  const how = { cache: "no-store", redirect: "error", mode: "same-origin" };
  let raw;
  try {
    const answer = await fetch(new URL(path, location.origin), how);
    raw = answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
  } catch {
    raw = null;
  }
  if (raw === null) throw new Unreachable(`no answer from ${path}`);
  if (raw.length > MAX_BUNDLE) throw new Malformed("got an answer that is too long");
  return textOf(raw);
}

/** The proof that the bundle's log is the kept one, grown; undefined where none is needed or none can be had. */
async function proofOfGrowth(kept, bundle) {
  try {
    const { size } = parseCheckpoint(parseNote(bundle.checkpoint).text);
    if (size <= kept.size) return undefined;
    const answer = parse(await get(`${CONSISTENCY}?old=${kept.size}&new=${size}`));
    return parseProof(isObject(answer) ? answer.hashes : undefined);
  } catch (error) {
    if (error instanceof PatinaError || error instanceof Unreachable) return undefined;
    throw error;
  }
}

/** What the history of `{fetched, subject, vkeys}` proves, and what was kept before; throws as `checkHistory`. */
async function proveHistory({ fetched, subject, vkeys }, crypto) {
  const text = await fetched;
  performance.mark("patina-fetched");
  const bundle = parseHistory(text);
  const memory = recall();
  // Keys that were proved on an earlier visit count, not those that the page names today.
  const pinned = memory ? memory.vkeys : vkeys.split(" ");
  const asked = { subject, now: BigInt(Date.now()) * 1000n };
  asked.vkeys = await Promise.all(pinned.map((text) => parseVkey(text, crypto.sha256)));
  if (memory) {
    asked.kept = await keptOf(memory, subject, crypto.sha256);
    asked.consistency = await proofOfGrowth(asked.kept, bundle);
  }
  const proved = await checkHistory(bundle, asked, crypto);
  const grown = !memory || proved.checkpoint.size === asked.kept.size || asked.consistency !== undefined;
  const stored = grown && (await remember(memory, proved, crypto.sha256));
  return { proved, visit: stored ? (memory ? "again" : "first") : "forgets" };
}

const failed = (check, at) => ({ state: "bad", says: ["bad", { check }], notes: [[`check_${check}`, {}], ...at] });

/** The verdict `{state, says, notes}` on the page, words of it with what stands in their places, and what it `proved`. */
async function judge(what, crypto) {
  try {
    const { proved, visit } = await proveHistory(what, crypto);
    const when = momentOf(proved.asOf, what);
    const notes = [[`visit_${visit}`, {}]];
    // An entry that was recorded since the page was made is no lie of the page.
    if (what.count !== "" && proved.entries.length !== Number(what.count)) notes.unshift(["newer", {}]);
    if (proved.doubtful.length) notes.unshift(["doubtful", { n: proved.doubtful.length }]);
    if (proved.unknown.length) return { state: "unknown", says: ["unknown", { when }], notes, proved };
    return { state: "phone", says: [proved.stale ? "phone_old" : "phone", { when }], notes, proved };
  } catch (error) {
    if (error instanceof Disproved) {
      const at = error.index === null ? [] : [["at", { index: error.index }]];
      return failed(error.check, at);
    }
    if (error instanceof Unknown) return { state: "unknown", says: ["later", {}], notes: [] };
    if (error instanceof PatinaError) return { state: "bad", says: ["malformed", {}], notes: [] };
    if (error instanceof Unreachable) return { state: "server", says: ["unreachable", {}], notes: [] };
    throw error;
  }
}

/** A time as the page spells it: its own spelling if it names the same time, else the browser's for its language. */
function momentOf(asOf, { at, when }) {
  if (asOf === at) return when;
  const { lang } = document.documentElement;
  const how = { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" };
  const day = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, how).format(new Date(asOf));
  return `${day}${lang === "en" ? "," : ""} ${asOf.slice(11, 16)} UTC`; // browsers join the two in ways of their own
}

/** Say a verdict in the page's badge. */
function show(badge, { state, says, notes }) {
  const word = ([name, values]) => {
    const text = badge.querySelector(`[data-word="${name}"]`).textContent;
    return text.replace(/\{(\w+)\}/g, (_, place) => values[place]);
  };
  badge.dataset.state = state;
  badge.querySelector("[data-says]").textContent = word(says);
  badge.querySelector("[data-notes]").textContent = notes.map(word).join(" ");
}

async function main(badge) {
  performance.mark("patina-start");
  const fetched = get(badge.dataset.history);
  fetched.catch(() => {}); // told where it is waited for
  const crypto = await openCrypto();
  if (crypto === null) {
    const none = badge.dataset.library === "yes" ? "none" : "none_library";
    show(badge, { state: "server", says: [none, {}], notes: [] });
    return;
  }
  badge.dataset.path = crypto.path;
  badge.querySelector("[data-notes]").textContent = badge.querySelector('[data-word="working"]').textContent;
  performance.mark("patina-check");
  const verdict = await judge({ ...badge.dataset, fetched }, crypto);
  show(badge, verdict);
  performance.measure("patina-check", "patina-check");
  if (verdict.proved) guardFiles(verdict.proved, crypto.sha256, () => show(badge, failed(10, [])));
}

const badge = document.querySelector("[data-check]");
if (badge) main(badge);
