// What the auditor's pages take from the modules by which an item's page checks itself: one implementation of each check.

import { told } from "./words.js";

const load = (name) => import(told.modules + name);
const NAMES = ["crypto.js", "note.js", "merkle.js", "forms.js", "errors.js"];
const [cryptos, notes, merkle, forms, errors] = await Promise.all(NAMES.map(load));

export const { openCrypto } = cryptos;
export const { checkCheckpoint, parseCheckpoint, parseNote, parseVkey } = notes;
export const { checkConsistency, checkInclusion } = merkle;
export const { hexOf, parseBase64 } = forms;
export const { PatinaError } = errors;

/** The text of an address of this site; throws `Error` for an answer that is none. */
export async function textAt(path) {
  const answer = await fetch(path, { cache: "no-store", redirect: "error", credentials: "same-origin" });
  if (!answer.ok) throw Object.assign(new Error(`${answer.status} for ${path}`), { status: answer.status });
  return answer.text();
}

/** The hashes of a proof, in hex. */
export async function proofAt(path) {
  const { hashes } = JSON.parse(await textAt(path));
  return hashes.map((one) => hexOf(parseBase64(one)));
}
