// SHA-256 and Ed25519, by one of two ways that are found by trying them, never by the name of the browser.
//
// `native` is WebCrypto, if it has both and gives the verdicts of format.md §3 on the signatures below; `library` is
// @noble/hashes and @noble/ed25519, for a page without https (which has no WebCrypto at all) and for browsers without
// Ed25519. The library's own `verify` multiplies by the cofactor, which §3 does not, so the equation stands here.

import { checkPoint, littleEndian } from "./didkey.js";
import { bytesOf, hexOf, joined, parseBase64url, utf8 } from "./forms.js";
import { has } from "./json.js";
import * as short from "./sha256.js";

const ED25519 = { name: "Ed25519" };
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const PATIENCE = 40; // milliseconds
const SHORT = 256; // bytes, of which WebCrypto is not asked: its answer takes longer to come than the hash to make
const PKCS8_HEAD = bytesOf("302e020100300506032b657004220420"); // RFC 8410
const HONEST = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
const ORDER_8 = "b154bd62188ae283dd187fefe8c31f5e276edf083b4cff11c9d5cff856c74440";
const R = "17ffad8068dc0de9935d36636f3ad1b5de6de3413b12388e453b05f2a4c1d3db";

/** A short text and a long one, and how their hashes begin: the first is of FIPS 180-4. */
const HASHED = [["abc", "ba7816bf"], ["abc".repeat(100), "d9f5aeb0"]];

/** Public key, signature, message, verdict: an honest one, one bit of it turned, S beyond the order, and two under a
 * key with a part of order 8, of which one verifies without the cofactor and both with it. The first two are enough for
 * the library, which is one program everywhere and was tried on many more; WebCrypto is another in every browser. */
const PROBES = [
  [HONEST, R + "2cd1e973fa669c20e4100b4802ca00ea9318835e1fdd9fa3ec18025182890807", "0", true],
  [HONEST, R + "2dd1e973fa669c20e4100b4802ca00ea9318835e1fdd9fa3ec18025182890807", "0", false],
  [
    HONEST,
    "3a4777635e5cf77d9ffb4ad95953f4ef38a0ef198c3bdfef90034a51d6b8df10" +
      "6758b9cc0a60ab3c1751b2159f705e9a322e648fbe8540aacce771daa44f0f13",
    "patina",
    false,
  ],
  [ORDER_8, R + "0f997b2cf045c9ed3c37ca73c20a20c2c24801bd6b166ef8652c78f101c72d0d", "22", true],
  [ORDER_8, R + "ed502b545eb1594f1286daf941c7e2a09bb272fed48417499caef25a72ec7d05", "0", false],
];

/** The first way that works here: `{path, sha256, verifies, publicOf}`; null if there is none.
 *
 * `sha256(bytes)`, `verifies(public, signature, message)` and `publicOf(seed)` give promises.
 */
export async function openCrypto() {
  for (const [open, probes] of [[openNative, PROBES], [openLibrary, PROBES.slice(0, 2)]]) {
    try {
      const found = await open();
      if (await isRight(found, probes)) return found;
    } catch {
      // What is missing here may be there in the next way.
    }
  }
  return null;
}

async function isRight({ sha256, verifies }, probes) {
  for (const [text, wanted] of HASHED) {
    if (hexOf((await sha256(utf8(text))).slice(0, 4)) !== wanted) return false;
  }
  const verdicts = probes.map(([key, signature, message]) => verifies(bytesOf(key), bytesOf(signature), utf8(message)));
  return (await Promise.all(verdicts)).every((verdict, at) => verdict === probes[at][3]);
}

async function openNative() {
  const { subtle } = globalThis.crypto;
  const keys = new Map();
  const keyOf = (raw) => {
    const name = hexOf(raw);
    if (!keys.has(name)) keys.set(name, subtle.importKey("raw", raw, ED25519, false, ["verify"]));
    return keys.get(name);
  };
  return {
    path: "native",
    sha256: async (raw) =>
      raw.length <= SHORT ? short.sha256(raw) : new Uint8Array(await subtle.digest("SHA-256", raw)),
    verifies: guarded(async (key, signature, message) => {
      let imported;
      try {
        imported = await keyOf(key);
      } catch {
        return false; // no point of the curve
      }
      return subtle.verify(ED25519, imported, signature, message);
    }),
    publicOf: async (seed) => {
      const key = await subtle.importKey("pkcs8", joined(PKCS8_HEAD, seed), ED25519, true, ["sign"]);
      return parseBase64url((await subtle.exportKey("jwk", key)).x);
    },
  };
}

async function openLibrary() {
  if (!("hasOwn" in Object)) Object.hasOwn = has; // the packages want it, and Safari has it from 15.4
  const { Point, getPublicKey, hashes, sha256, sha512 } = await import("./library.js");
  hashes.sha512 = sha512;
  return {
    path: "library",
    sha256: async (raw) => sha256(raw),
    verifies: inTurn(guarded(async (key, signature, message) => {
      const s = littleEndian(signature.slice(32));
      if (s >= ORDER) return false;
      let point;
      try {
        point = Point.fromBytes(key);
      } catch {
        return false;
      }
      // RFC 8032 §5.1.7 without the cofactor: R is [S]B - [k]A, as bytes.
      const k = littleEndian(sha512(joined(signature.slice(0, 32), key, message))) % ORDER;
      const found = Point.BASE.multiply(s, false).subtract(point.multiply(k, false)).toBytes();
      return found.every((byte, at) => byte === signature[at]);
    })),
    publicOf: async (seed) => getPublicKey(seed),
  };
}

/** `verify`, one after the other, with a pause for the page to be used now and then: this takes milliseconds each. */
function inTurn(verify) {
  let [last, since] = [Promise.resolve(), performance.now()];
  return (...given) => {
    last = last.then(async () => {
      if (performance.now() - since > PATIENCE) {
        await new Promise((resume) => setTimeout(resume));
        since = performance.now();
      }
      return verify(...given);
    });
    return last;
  };
}

/** `verify`, asked only of what §3 lets through: implementations differ about the rest. */
function guarded(verify) {
  return async (key, signature, message) => {
    if (key.length !== 32 || signature.length !== 64) return false;
    try {
      checkPoint(key);
      checkPoint(signature.slice(0, 32));
    } catch {
      return false;
    }
    return verify(key, signature, message);
  };
}
