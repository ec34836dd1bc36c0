// The proofs of the log's tree and of the subject map (RFC 9162 §2.1.3-2.1.4, format.md §6), as ledger/merkle.py and
// ledger/submap.py. Sizes and indexes of the tree are BigInts, hashes are 64 hex digits.

import { Disproved } from "./errors.js";
import { bytesOf, hexOf, joined, utf8 } from "./forms.js";

const EMPTY = "0".repeat(64);
const EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** SHA-256 of bytes behind one byte that says what they are, in hex. */
async function tagged(sha256, tag, ...parts) {
  return hexOf(await sha256(joined(Uint8Array.of(tag), ...parts)));
}
const nodeHash = (sha256, left, right) => tagged(sha256, 1, bytesOf(left), bytesOf(right));

/** The hash of a leaf's bytes. */
export const leafHash = (sha256, text) => tagged(sha256, 0, utf8(text));

/** Throws `Disproved` unless the proof leads from the leaf hash at `index` to the root of `size` leaves. */
export async function checkInclusion(sha256, index, size, leaf, proof, root) {
  const refuse = (what) => new Disproved(`got an inclusion proof ${what}`, "inclusion", Number(index));
  if (index >= size) throw refuse("of a leaf outside the tree");
  let [number, last, node] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if (last === 0n) throw refuse("that is too long");
    if (number & 1n || number === last) {
      node = await nodeHash(sha256, sibling, node);
      [number, last] = rise(number, last);
    } else {
      node = await nodeHash(sha256, node, sibling);
    }
    number >>= 1n;
    last >>= 1n;
  }
  if (last) throw refuse("that is too short");
  if (node !== root) throw refuse("to another root");
}

/** Throws `Disproved` unless the proof shows that the new tree begins with the old one. */
export async function checkConsistency(sha256, older, newer, proof) {
  const need = (holds, otherwise) => {
    if (!holds) throw new Disproved(`got ${otherwise} for a consistency proof`, "consistency");
  };
  need(older.size <= newer.size, "a tree of fewer leaves");
  if (older.size === newer.size) need(!proof.length && older.root === newer.root, "two roots of one size, or a proof");
  if (older.size === 0n) need(!proof.length && older.root === EMPTY_ROOT, "a proof from the empty tree");
  if (older.size === 0n || older.size === newer.size) return;
  need(proof.length > 0, "no proof");
  const path = older.size & (older.size - 1n) ? [...proof] : [older.root, ...proof];
  let [number, last] = [older.size - 1n, newer.size - 1n];
  while (number & 1n) [number, last] = [number >> 1n, last >> 1n];
  let [oldNode, newNode] = [path[0], path[0]];
  for (const sibling of path.slice(1)) {
    need(last !== 0n, "a proof that is too long");
    if (number & 1n || number === last) {
      oldNode = await nodeHash(sha256, sibling, oldNode);
      newNode = await nodeHash(sha256, sibling, newNode);
      [number, last] = rise(number, last);
    } else {
      newNode = await nodeHash(sha256, newNode, sibling);
    }
    number >>= 1n;
    last >>= 1n;
  }
  need(last === 0n, "a proof that is too short");
  need(oldNode === older.root && newNode === newer.root, "other roots");
}

/** Skip the levels at which a node on the right edge, which is not the leftmost, has no sibling. */
function rise(number, last) {
  while (!(number & 1n)) [number, last] = [number >> 1n, last >> 1n];
  return [number, last];
}

// The subject map ----------------------------------------------------------------------------------------------------

/** The count and the last index that `root` commits to for a subject; throws `Disproved` (check "map").
 *
 * `proof` is `{count, last, siblings, other}` of a bundle, with its siblings in hex.
 */
export async function checkMap(sha256, root, subject, { count, last, siblings, other }) {
  const refuse = (what) => new Disproved(`map proof ${what}`, "map");
  const key = hexOf(await sha256(utf8(subject)));
  const depth = siblings.length;
  const absent = last === null && count === 0 && (other === null || other.count > 0);
  if (!absent && (last === null || count === 0 || other !== null)) throw refuse("is out of form");
  if (other && (other.key === key || sharedBits(other.key, key) < depth)) throw refuse("shows another place");
  if (depth && siblings[depth - 1] === EMPTY) throw refuse("goes deeper than the map");
  const alone = absent ? other : { key, count, last };
  let node = alone ? await lone(sha256, alone) : EMPTY;
  const path = bytesOf(key);
  for (let bit = depth - 1; bit >= 0; bit--) {
    const right = path[bit >> 3] & (128 >> (bit & 7));
    const halves = right ? [siblings[bit], node] : [node, siblings[bit]];
    node = await tagged(sha256, 3, ...halves.map(bytesOf));
  }
  if (node !== root) throw refuse("does not reach the map root");
  return [count, last];
}

const lone = (sha256, { key, count, last }) => tagged(sha256, 2, bytesOf(key), u64(count), u64(last));
const u64 = (number) => bytesOf(number.toString(16).padStart(16, "0"));

function sharedBits(one, other) {
  const differs = BigInt("0x" + one) ^ BigInt("0x" + other);
  return differs ? 256 - differs.toString(2).length : 256;
}
