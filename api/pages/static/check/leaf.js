// Statements and leaves (format.md §2 and §4): an entry or a seal, by form alone, as ledger/leaf.py.

import { Invalid, Malformed, Unknown } from "./errors.js";
import { HASH, UUID, parseOccurred, parseRecorded, subjectKind, utf8 } from "./forms.js";
import { decode, encode, has, isObject } from "./json.js";

const MAX_STATEMENT = 32_768;
const MAX_LEAF = 65_535;
const LATENESS = 300_000_000n;
const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const FILE = {
  name: matches(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  media_type: matches(/^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/),
  size: isCount,
  sha256: matches(HASH),
};

export function isCount(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

export function matches(form) {
  return (value) => typeof value === "string" && form.test(value);
}

export const isText = (value) => typeof value === "string";

/** Whether `value` is a list of `least` to `most`, and each of it passes. */
export const isList = (value, least, most, passes) =>
  Array.isArray(value) && value.length >= least && value.length <= most && value.every(passes);

/** Throws `Malformed` unless `value` is an object with these members and no others, each of which passes. */
export function needMembers(value, required, optional = {}) {
  const shapes = { ...required, ...optional };
  const whole = isObject(value) && Object.keys(required).every((name) => has(value, name));
  if (!whole || !Object.keys(value).every((name) => has(shapes, name) && shapes[name](value[name]))) {
    throw new Malformed(`got an object out of form, want ${Object.keys(required).join(", ")}`);
  }
  return value;
}

const passes = (required, optional) => (value) => Boolean(needMembers(value, required, optional));
const isOne = (value) => value === 1;

const STATEMENT = {
  id: matches(UUID),
  type: matches(/^[a-z]{1,32}\.[a-z_]{1,32}$/),
  subjects: (value) => isList(value, 1, 16, isText),
  party: isText,
  occurred_at: isText,
  details: isObject,
};
const OPTIONAL = {
  ledger: matches(HASH),
  case: matches(UUID),
  corrects: matches(UUID),
  grant: matches(HASH),
  agent: matches(/^[A-Za-z0-9_-]{1,64}$/),
  attachments: (value) => isList(value, 1, 32, passes(FILE)),
  _sd: (value) => isList(value, 1, 64, matches(DIGEST)),
  _sd_alg: (value) => value === "sha-256",
};
const LINK = { subject: isText, seq: isCount, prev: (value) => value === null || isText(value) };
const SIGNATURE = { key: isText, sig: isText };
const PLACE = { index: isCount, prev: matches(HASH), recorded_at: isText, v: isOne };
const SEAL = { ...PLACE, map_root: matches(HASH) };
const ENTRY = {
  ...PLACE,
  links: (value) => isList(value, 1, 16, passes(LINK)),
  statement: passes(STATEMENT, OPTIONAL),
  signatures: (value) => isList(value, 1, 4, passes(SIGNATURE)),
};

export const isSeal = (leaf) => has(leaf, "map_root");

/** The leaf that this text is; throws `Malformed`, and `Unknown` for a leaf of a later version. */
export function parseLeaf(text) {
  if (utf8(text).length > MAX_LEAF) throw new Malformed(`got a leaf of more than ${MAX_LEAF} bytes`);
  const leaf = decode(text);
  if (isObject(leaf) && Number.isInteger(leaf.v) && leaf.v > 1) throw new Unknown(`got a leaf of version ${leaf.v}`);
  if (isObject(leaf) && isSeal(leaf)) {
    needMembers(leaf, SEAL);
    parseRecorded(leaf.recorded_at);
    return leaf;
  }
  needMembers(leaf, ENTRY);
  parseRecorded(leaf.recorded_at);
  checkEntry(leaf);
  return leaf;
}

function checkEntry({ links, signatures, statement }) {
  const subjects = statement.subjects;
  if (encode(links.map((link) => link.subject)) !== encode(subjects)) {
    throw new Malformed("got links of other subjects");
  }
  for (const { seq, prev } of links) {
    if ((prev === null) !== (seq === 0) || (prev !== null && !HASH.test(prev))) {
      throw new Malformed("got a link out of form");
    }
  }
  if (new Set(signatures.map(({ key }) => key)).size !== signatures.length) {
    throw new Malformed("got two signatures by one key");
  }
  if (statementBytes(statement).length > MAX_STATEMENT) throw new Malformed("got a statement that is too long");
  try {
    checkForm(statement);
  } catch (error) {
    throw error instanceof Invalid ? new Malformed(error.message) : error;
  }
}

function checkForm(statement) {
  const { subjects, party, grant, _sd, _sd_alg } = statement;
  subjects.forEach(subjectKind);
  if (new Set(subjects).size !== subjects.length) throw new Invalid("got a subject twice");
  if (grant === undefined) {
    if (!UUID.test(party)) throw new Invalid("got a party that is no urn:uuid");
  } else if (subjects.length !== 1 || subjects[0] !== party) {
    throw new Invalid("a holder speaks of one subject: want party equal to the only subject");
  }
  parseOccurred(statement.occurred_at);
  if ((_sd === undefined) !== (_sd_alg === undefined)) throw new Invalid("got one of _sd and _sd_alg");
  if (_sd && _sd.some((one, at) => at > 0 && _sd[at - 1] >= one)) throw new Invalid("got digests out of order");
}

/** The bytes that are signed, as DSSE's body. */
export const statementBytes = (statement) => utf8(encode(statement));

/** Throws `Invalid` for an `occurred_at` more than five minutes after `recorded_at`. */
export function checkTime({ statement, recorded_at }) {
  if (parseOccurred(statement.occurred_at) > parseRecorded(recorded_at) + LATENESS) {
    throw new Invalid("got a time more than 5 minutes after it is recorded", "/occurred_at");
  }
}
