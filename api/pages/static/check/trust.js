// Trust policies and cosignatures, C2SP tlog-policy and tlog-cosignature (format.md §7, check 2), as ledger/trust.py.

import { Disproved, Malformed, Unknown } from "./errors.js";
import { joined, utf8 } from "./forms.js";
import { COSIGNATURE, ED25519, MAX_DECIMAL, ML_DSA_44, parseDecimal, parseNote, parseVkey } from "./note.js";
import { littleEndian } from "./didkey.js";

const MAX_POLICY = 262_144;
const NONE = "none";
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** The policy `{witnesses: [{name, vkey}], groups: [{name, threshold, members}], quorum}`; throws `Malformed`.
 *
 * Its `timeOf(checkpoint, verifies)` is what `checkHistory` asks: a reader who has a policy brings this program along.
 */
export async function parsePolicy(text, sha256) {
  if (utf8(text).length > MAX_POLICY || FORBIDDEN.test(text) || !text.endsWith("\n")) {
    throw new Malformed("got a policy that is too long, or whose lines are out of form");
  }
  const policy = { logs: [], witnesses: [], groups: [], quorum: null, names: new Set(), grouped: new Set() };
  for (const line of text.split("\n")) {
    const words = line.split(/[ \t]+/).filter((word) => word);
    if (words.length && !words[0].startsWith("#")) await readLine(policy, words, sha256);
  }
  if (policy.quorum === null) throw new Malformed("got a policy without a quorum line");
  policy.timeOf = (checkpoint, verifies) => checkQuorum(policy, checkpoint, verifies);
  return policy;
}

async function readLine(policy, [kind, ...words], sha256) {
  if (kind === "log" && (words.length === 1 || words.length === 2)) {
    policy.logs.push({ vkey: await readVkey(words[0], [ED25519, ML_DSA_44], policy.logs, sha256) });
  } else if (kind === "witness" && (words.length === 2 || words.length === 3)) {
    define(policy, words[0]);
    const vkey = await readVkey(words[1], [COSIGNATURE, ML_DSA_44], policy.witnesses, sha256);
    policy.witnesses.push({ name: words[0], vkey });
  } else if (kind === "group" && words.length > 2) {
    const [name, threshold, ...members] = words;
    for (const member of members) {
      if (!policy.names.has(member) || policy.grouped.has(member)) throw new Malformed("got a member out of place");
      policy.grouped.add(member);
    }
    define(policy, name);
    policy.groups.push({ name, threshold: readThreshold(threshold, members.length), members });
  } else if (kind === "quorum" && words.length === 1) {
    const known = words[0] === NONE || policy.names.has(words[0]);
    if (policy.quorum !== null || !known) throw new Malformed("got a second quorum, or one that is not defined");
    policy.quorum = words[0];
  } else {
    throw new Malformed("got a line that is no log, witness, group or quorum with its words");
  }
}

function define(policy, name) {
  if (name === NONE || policy.names.has(name)) throw new Malformed("got a name that is taken");
  policy.names.add(name);
}

function readThreshold(word, members) {
  if (word === "any" || word === "all") return word === "any" ? 1 : members;
  const threshold = parseDecimal(word);
  if (threshold < 1n || threshold > BigInt(members)) throw new Malformed("got a threshold out of reach");
  return Number(threshold);
}

async function readVkey(word, kinds, used, sha256) {
  let vkey;
  try {
    vkey = await parseVkey(word, sha256);
  } catch (error) {
    throw error instanceof Unknown ? new Malformed(error.message) : error;
  }
  const twice = used.some((one) => String(one.vkey.key) === String(vkey.key));
  if (!kinds.includes(vkey.kind) || twice) throw new Malformed("got a key that does not suit its line, or a key twice");
  return vkey;
}

/** The newest time (POSIX seconds, a BigInt) at which a quorum had cosigned a note, null where none is wanted.
 *
 * Throws `Disproved` without a quorum or for a cosignature that does not verify, `Unknown` if it cannot be told.
 */
async function checkQuorum(policy, raw, verifies) {
  const note = parseNote(raw);
  const newest = new Map();
  for (const line of note.signatures) {
    for (const { name, vkey } of policy.witnesses) {
      if (vkey.kind !== COSIGNATURE || vkey.name !== line.name || vkey.id !== line.id) continue;
      const time = await checkCosignature(note.text, line.signature, vkey, verifies);
      if (!newest.has(name) || time > newest.get(name)) newest.set(name, time);
    }
  }
  if (policy.quorum === NONE) return null;
  for (const time of [...newest.values()].sort((one, other) => (one < other ? 1 : one > other ? -1 : 0))) {
    if (isMet(policy, [...newest.keys()].filter((name) => newest.get(name) >= time))) return time;
  }
  const lines = new Set(note.signatures.map(({ name, id }) => `${name}+${id}`));
  const unverifiable = ({ vkey }) => vkey.kind !== COSIGNATURE && lines.has(`${vkey.name}+${vkey.id}`);
  const others = policy.witnesses.filter(unverifiable);
  if (isMet(policy, [...newest.keys(), ...others.map(({ name }) => name)])) {
    throw new Unknown("got a quorum only with cosignatures of a type that cannot be verified here");
  }
  throw new Disproved(`got cosignatures by ${newest.size} witnesses, want a quorum`, "quorum");
}

function isMet(policy, names) {
  const vouching = new Set(names);
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => vouching.has(member)).length >= threshold) vouching.add(name);
  }
  return vouching.has(policy.quorum);
}

async function checkCosignature(text, signature, vkey, verifies) {
  const time = signature.length === 72 ? littleEndian(signature.slice(0, 8).reverse()) : 0n;
  if (time < 1n || time > MAX_DECIMAL) throw new Disproved("got a cosignature out of form", "cosignature");
  const message = joined(utf8(`cosignature/v1\ntime ${time}\n`), utf8(text));
  if (!(await verifies(vkey.key, signature.slice(8), message))) {
    throw new Disproved("got a cosignature that does not verify", "cosignature");
  }
  return time;
}
