// did:key names of Ed25519 keys, and the points that no common library is asked about (format.md §3).

import { Invalid, Malformed, Unknown } from "./errors.js";
import { bytesOf, hexOf } from "./forms.js";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const ED25519 = /^did:key:z(6Mk[1-9A-HJ-NP-Za-km-z]{44})$/;
const OTHER_TYPE = /^did:key:z(?!6Mk|1)[1-9A-HJ-NP-Za-km-z]{8,4096}$/;
const MULTICODEC = 0xed01n;
const PRIME = 2n ** 255n - 19n;
const LOW_ORDER = new Set(
  [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ].map((point) => littleEndian(bytesOf(point))),
);

/** The number of little-endian bytes. */
export function littleEndian(raw) {
  return BigInt("0x" + hexOf(Uint8Array.from(raw).reverse()));
}

/** The point, if §3 lets it stand as a key or as R of a signature; throws `Invalid`. */
export function checkPoint(point) {
  if (point.length !== 32) throw new Invalid(`got a point of ${point.length} bytes, want 32`);
  const y = littleEndian(point) & (2n ** 255n - 1n);
  if (y >= PRIME) throw new Invalid("got a point whose y is not below 2^255-19");
  if (LOW_ORDER.has(y)) throw new Invalid("got a point of low order");
  return point;
}

/** The did:key of a public key. */
export function formatDid(point) {
  let number = (MULTICODEC << 256n) | BigInt("0x" + hexOf(checkPoint(point)));
  let text = "";
  for (; number; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
  return "did:key:z" + text;
}

/** The 32 bytes that a did:key names; throws `Malformed`, `Invalid` for the point, `Unknown` for another type. */
export function parseDid(did) {
  const found = ED25519.exec(did);
  if (!found) {
    if (OTHER_TYPE.test(did)) throw new Unknown("got a key of another type, this version knows Ed25519 only");
    throw new Malformed("got a key that is no did:key:z6Mk and 44 base58 digits");
  }
  let number = 0n;
  for (const digit of found[1]) number = number * 58n + BigInt(ALPHABET.indexOf(digit));
  if (number >> 256n !== MULTICODEC) throw new Malformed("got a key without the multicodec 0xed01");
  return checkPoint(bytesOf((number & (2n ** 256n - 1n)).toString(16).padStart(64, "0")));
}
