// The key that an owner code makes for an item (events.md §3): HKDF-SHA-256 of 16 secret bytes with the subject's URI.

import { formatDid } from "./didkey.js";
import { joined, utf8 } from "./forms.js";

const BLOCK = 64;

/** The did:key of the holder's key of an owner secret for a subject. */
export async function holderDid({ sha256, publicOf }, secret, subject) {
  const extracted = await hmac(sha256, new Uint8Array(32), secret);
  const seed = await hmac(sha256, extracted, joined(utf8("patina/v1/holder\n" + subject), Uint8Array.of(1)));
  return formatDid(await publicOf(seed));
}

/** HMAC-SHA-256 (RFC 2104) under a key of at most one block. */
async function hmac(sha256, key, message) {
  const padded = joined(key, new Uint8Array(BLOCK - key.length));
  const inner = await sha256(joined(padded.map((byte) => byte ^ 0x36), message));
  return sha256(joined(padded.map((byte) => byte ^ 0x5c), inner));
}
