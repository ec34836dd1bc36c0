// What a browser keeps of a ledger between visits, so that it cannot be shown shorter or changed later (check 12).
//
// One record in localStorage, which belongs to this site alone: the newest checkpoint that was proved, the vkeys
// that the ledger's own history named with it, and how many entries each subject had, under a digest that does not
// say which item it was. Where storage is absent or denied nothing is kept, and the page says so.

import { HASH, hexOf, utf8 } from "./forms.js";
import { has, isObject, parse } from "./json.js";
import { isCount, isList, isText, matches, needMembers } from "./leaf.js";
import { PatinaError } from "./errors.js";

const NAME = "patina/v1/log";
const MAX_SUBJECTS = 200;
const MEMBERS = {
  vkeys: (value) => isList(value, 1, 16, isText),
  size: matches(/^[1-9][0-9]{0,18}$/),
  root: matches(HASH),
  counts: (value) => isObject(value) && Object.values(value).every(isCount),
};

/** What was kept, `{vkeys, size, root, counts}`; null if nothing was, undefined where storage is absent or denied. */
export function recall() {
  let text;
  try {
    text = globalThis.localStorage.getItem(NAME);
  } catch {
    return undefined;
  }
  try {
    return text === null ? null : needMembers(parse(text), MEMBERS);
  } catch (error) {
    if (error instanceof PatinaError) return null; // something else wrote there, and it says nothing
    throw error;
  }
}

/** What check 12 is given for a subject of what was kept. */
export async function keptOf(memory, subject, sha256) {
  const name = await nameOf(subject, sha256);
  return { size: BigInt(memory.size), root: memory.root, count: has(memory.counts, name) ? memory.counts[name] : 0 };
}

/** Keep what was proved of a subject; false where that cannot be. */
export async function remember(memory, { checkpoint, vkeys, subject, entries }, sha256) {
  const name = await nameOf(subject, sha256);
  const others = Object.entries(memory ? memory.counts : {}).filter(([one]) => one !== name);
  const counts = Object.fromEntries([...others, [name, entries.length]].slice(-MAX_SUBJECTS));
  const { size, root } = checkpoint;
  try {
    globalThis.localStorage.setItem(NAME, JSON.stringify({ vkeys, size: String(size), root, counts }));
  } catch {
    return false;
  }
  return true;
}

const nameOf = async (subject, sha256) => "s" + hexOf((await sha256(utf8(subject))).slice(0, 12));
