// The key that an owner code makes for an item (events.md §3): HKDF-SHA-256 of 16 secret bytes with the subject's URI.

import { formatDid } from "./didkey.js";
import { joined, utf8 } from "./forms.js";

const BLOCK = 64;

/** The did:key of the holder's key of an owner secret for a subject. */
export async function holderDid({ sha256, publicOf }, secret, subject) {
  return formatDid(await publicOf(await derive(sha256, secret, "patina/v1/holder\n" + subject)));
}

/** HKDF-SHA-256 (RFC 5869) of a secret without a salt, 32 bytes of it, for what the label says. */
export async function derive(sha256, secret, label) {
  const extracted = await hmac(sha256, new Uint8Array(32), secret);
  return hmac(sha256, extracted, joined(utf8(label), Uint8Array.of(1)));
}

/** HMAC-SHA-256 (RFC 2104) under a key of at most one block. */
async function hmac(sha256, key, message) {
  const padded = joined(key, new Uint8Array(BLOCK - key.length));
  const inner = await sha256(joined(padded.map((byte) => byte ^ 0x36), message));
  return sha256(joined(padded.map((byte) => byte ^ 0x5c), inner));
}
