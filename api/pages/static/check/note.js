// Signed notes, their keys, and checkpoints: C2SP signed-note and tlog-checkpoint, as ledger/note.py and checkpoint.py.

import { checkPoint } from "./didkey.js";
import { Disproved, Invalid, Malformed, Unknown } from "./errors.js";
import { hexOf, joined, parseBase64, utf8 } from "./forms.js";
import { hasHalf } from "./json.js";

export const ED25519 = 1;
export const COSIGNATURE = 4;
export const ML_DSA_44 = 6;
const KEY_SIZES = new Map([[ED25519, 32], [COSIGNATURE, 32], [ML_DSA_44, 1312]]);
const MAX_NOTE = 65_536;
const MAX_SIGNATURES = 100;
export const MAX_DECIMAL = 2n ** 63n - 1n;
const EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
export const SPACE = "\\t\\n\\v\\f\\r \\x1c-\\x1f\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
// A name is not empty and holds no space of any kind, no control character, no plus sign, no half of a character.
const NAME = new RegExp(`^[^+${SPACE}\\u0000-\\u001f\\ud800-\\udfff]+$`, "u");
const SIGNATURE_LINE = /^— ([^ \n]+) ([A-Za-z0-9+/=]+)\n$/;
const VKEY = /^([^+\n]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/;

/** 0 to 2^63-1 in digits without leading zeros, as a BigInt; throws `Malformed`. */
export function parseDecimal(text) {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) > MAX_DECIMAL) {
    throw new Malformed("got no decimal number");
  }
  return BigInt(text);
}

/** The key `{text, name, id, kind, key}` of a vkey; throws `Malformed`, `Unknown` for another key type. */
export async function parseVkey(text, sha256) {
  const found = VKEY.exec(text);
  if (!found) throw new Malformed("got a vkey that is no name+8 hex digits+base64");
  const raw = parseBase64(found[3]);
  const vkey = { text, name: found[1], id: found[2], kind: raw[0], key: raw.slice(1) };
  if (!NAME.test(vkey.name)) throw new Malformed("got a key name with a space, a control character or '+'");
  if (!KEY_SIZES.has(vkey.kind)) throw new Unknown(`got the key type ${vkey.kind}, this version knows 1, 4 and 6`);
  if (vkey.key.length !== KEY_SIZES.get(vkey.kind)) throw new Malformed("got a vkey of another length than its type's");
  if (vkey.kind !== ML_DSA_44) asMalformed(() => checkPoint(vkey.key));
  const digest = await sha256(joined(utf8(vkey.name + "\n"), raw));
  if (hexOf(digest.slice(0, 4)) !== vkey.id) throw new Malformed("got a vkey with another key's id");
  return vkey;
}

function asMalformed(check) {
  try {
    check();
  } catch (error) {
    throw error instanceof Invalid ? new Malformed(error.message) : error;
  }
}

/** The `{text, signatures: [{name, id, signature}]}` of a note, of which nothing is proved; throws `Malformed`. */
export function parseNote(raw) {
  if (utf8(raw).length > MAX_NOTE) throw new Malformed("got a note of more than 64 KiB");
  if (CONTROL.test(raw) || hasHalf(raw)) throw new Malformed("got a note with a control character");
  const end = raw.lastIndexOf("\n\n");
  const lines = raw.slice(end < 0 ? 0 : end + 2).split("\n");
  if (lines.length < 2 || lines.pop() !== "") throw new Malformed("got a note without signature lines at its end");
  if (lines.length > MAX_SIGNATURES) throw new Malformed(`got a note with more than ${MAX_SIGNATURES} signatures`);
  return { text: raw.slice(0, Math.max(end, 0)) + "\n", signatures: lines.map((line) => parseLine(line + "\n")) };
}

function parseLine(line) {
  const found = SIGNATURE_LINE.exec(line);
  if (!found || !NAME.test(found[1])) throw new Malformed("got a signature line out of form");
  const raw = parseBase64(found[2]);
  if (raw.length < 5) throw new Malformed("got a signature line that is too short");
  return { name: found[1], id: hexOf(raw.slice(0, 4)), signature: raw.slice(4) };
}

/** The `{origin, size, root}` that a note's text states: size a BigInt, root in hex; throws `Malformed`. */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] !== "") throw new Malformed("got a checkpoint that is not origin, size and root");
  const [origin, size, root] = [lines[0], parseDecimal(lines[1]), hexOf(parseBase64(lines[2]))];
  if (!NAME.test(origin)) throw new Malformed("got an origin with a space, a control character or '+'");
  if (root.length !== 64) throw new Malformed("got a root that has not 32 bytes");
  if (size === 0n && root !== EMPTY_ROOT) throw new Malformed("got a root of no leaves that is not the empty one");
  return { origin, size, root };
}

/** The checkpoint of the log `origin` that one of `vkeys` signed; throws `Malformed`, `Disproved`, `Unknown`. */
export async function checkCheckpoint(raw, vkeys, origin, verifies) {
  const note = parseNote(raw);
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== origin) throw new Disproved("got a checkpoint of another log", "checkpoint");
  const named = vkeys.filter((vkey) => vkey.name === origin);
  if (vkeys.length && !named.length) {
    throw new Disproved("got a checkpoint of a log whose key is not known", "checkpoint");
  }
  await checkNote(note, named, verifies);
  return checkpoint;
}

async function checkNote(note, vkeys, verifies) {
  let [verified, unverifiable] = [false, false];
  for (const { name, id, signature } of note.signatures) {
    for (const vkey of vkeys.filter((one) => one.name === name && one.id === id)) {
      if (vkey.kind !== ED25519) {
        unverifiable = true;
      } else if (await verifies(vkey.key, signature, utf8(note.text))) {
        verified = true;
      } else {
        throw new Disproved("got a signature by a known key that does not verify", "note");
      }
    }
  }
  if (!verified && unverifiable) throw new Unknown("got a note signed by key types that cannot be verified here only");
  if (!verified) throw new Disproved("got a note without a signature by a known key", "note");
}
