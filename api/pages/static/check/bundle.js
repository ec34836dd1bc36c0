// The wire form of a history bundle (format.md §7), with every list bounded before work, as ledger/bundle.py.

import { Malformed, Unknown } from "./errors.js";
import { HASH, hexOf, parseBase64 } from "./forms.js";
import { isObject, parse } from "./json.js";
import { isCount, isList, isText, matches, needMembers } from "./leaf.js";

const MAX_NOTE = 65_536;
const MAX_PROOF = 63;
const MAX_MAP_PROOF = 256;
const LATER = /^patina\/history\/v(?:[2-9]|[1-9][0-9]{1,8})$/;
const HASH64 = matches(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/);

const isProof = (value) => isList(value, 0, MAX_PROOF, HASH64);
const isTexts = (value) => isList(value, 0, Infinity, isText);
const passes = (members) => (value) => Boolean(needMembers(value, members));
const OTHER = { key: matches(HASH), count: isCount, last: isCount };
const MAP = {
  count: isCount,
  last: (value) => value === null || isCount(value),
  siblings: (value) => isList(value, 0, MAX_MAP_PROOF, HASH64),
  other: (value) => value === null || passes(OTHER)(value),
};
const PROVED = passes({ entry: isText, proof: isProof });
const PART = passes({ subject: isText, map: passes(MAP), last_proof: isProof, entries: isTexts });
const BUNDLE = {
  format: (value) => value === "patina/history/v1",
  origin: isText,
  subject: isText,
  checkpoint: (value) => isText(value) && Array.from(value).length <= MAX_NOTE,
  tail: PROVED,
  first: PROVED,
  histories: (value) => isList(value, 1, Infinity, PART),
  disclosures: (value) => isObject(value) && Object.keys(value).every((id) => isTexts(value[id])),
};

/** The bundle that this JSON text is, its hashes in hex; throws `Malformed`, `Unknown` for a later form. */
export function parseHistory(text) {
  const bundle = parse(text);
  if (isObject(bundle) && typeof bundle.format === "string" && LATER.test(bundle.format)) {
    throw new Unknown("got a bundle of a later form");
  }
  needMembers(bundle, BUNDLE, { as_of_index: (value) => value === null || isCount(value) });
  for (const proved of [bundle.tail, bundle.first]) proved.proof = hexes(proved.proof);
  for (const part of bundle.histories) {
    part.last_proof = hexes(part.last_proof);
    part.map.siblings = hexes(part.map.siblings);
  }
  return bundle;
}

/** Hashes in base64, whose form was checked, as hex. */
const hexes = (proof) => proof.map((text) => hexOf(parseBase64(text)));

/** The hashes of a proof as the service answers it, in hex; throws `Malformed`. */
export function parseProof(value) {
  if (!isProof(value)) throw new Malformed("got a proof out of form");
  return hexes(value);
}
