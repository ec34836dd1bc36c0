// Keys of the holder, made and kept in the browser (docs/holders.md).
//
// A device's key is one that no script can read out, where the browser is seen to make, keep and use such a one: that
// is tried, and apart from which way checks histories. Elsewhere (a page without https, browsers before 2023, a private
// window that keeps no such keys) it is 32 random bytes, kept as they are; the page says so. Both lie in this browser's
// IndexedDB. A key of the paper is derived from the owner code each time and kept nowhere.

import { openCrypto } from "./crypto.js";
import { formatDid } from "./didkey.js";
import { bytesOf, formatBase64url, joined, parseBase64url, utf8 } from "./forms.js";
import { derive } from "./holderkey.js";

const BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ED25519 = { name: "Ed25519" };
const PKCS8_HEAD = bytesOf("302e020100300506032b657004220420"); // RFC 8410
const TRIAL = "trial"; // a record's name for as long as one transaction
const opening = openCrypto();

/** The way to cryptography here, `native` or `library`; null if there is none, or no place to keep a key. */
export async function wayHere() {
  const found = await opening;
  const keeps = typeof indexedDB === "object" && indexedDB;
  return found && keeps && typeof crypto.getRandomValues === "function" ? found.path : null;
}

export const sha256 = async (raw) => (await opening).sha256(raw);

// Codes --------------------------------------------------------------------------------------------------------------

/** The 16 bytes of an owner code: the first 22 characters, whatever a chat program appended; null if it is none. */
export function parseCode(text) {
  const code = text.slice(0, 22);
  return /^[A-Za-z0-9_-]{21}[AQgw]$/.test(code) ? parseBase64url(code) : null;
}

/** The 16 bytes of a typed owner code: 26 characters, either case, O for 0 and I or L for 1; null if it is none. */
export function parseTyped(text) {
  const typed = text.replace(/[ -]/g, "").toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
  if (typed.length !== 26 || Array.from(typed).some((one) => !BASE32.includes(one))) return null;
  const number = Array.from(typed).reduce((sum, one) => (sum << 5n) | BigInt(BASE32.indexOf(one)), 0n);
  return number >> 128n ? null : bytesOf(number.toString(16).padStart(32, "0"));
}

/** The view code that was drawn with an owner code. */
export async function viewToken(secret) {
  return formatBase64url((await derive(sha256, secret, "patina/v1/view\n")).slice(0, 16));
}

/** The seed of the owner's key for one item. */
export const deriveSeed = (secret, subject) => derive(sha256, secret, "patina/v1/holder\n" + subject);

// Keys: `{did, signer}`, in which the signer is a CryptoKey, or 32 bytes where there is none --------------------------

/** The key of a seed. */
export async function keyOf(seed) {
  const { path, publicOf } = await opening;
  const did = formatDid(await publicOf(seed));
  return { did, signer: path === "native" ? await imported(seed) : seed };
}

const imported = (seed) => crypto.subtle.importKey("pkcs8", joined(PKCS8_HEAD, seed), ED25519, false, ["sign"]);

/** A new key, which no script can read out where the browser has such, and keeps them. */
export async function makeKey() {
  try {
    return await lockedKey();
  } catch {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    return { ...(await keyOf(seed)), signer: seed };
  }
}

/** A new key of WebCrypto's that still signs after it was kept and read again; throws where there is none. */
async function lockedKey() {
  const pair = await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const { signer } = await database("readwrite", (store) => {
    store.put({ did: TRIAL, signer: pair.privateKey });
    const asked = store.get(TRIAL);
    store.delete(TRIAL);
    return asked;
  });
  const { verifies } = await opening;
  const message = utf8(TRIAL);
  if (!(await verifies(raw, await signed(signer, message), message))) throw new Error("a key that does not sign");
  return { did: formatDid(raw), signer };
}

/** The 64 bytes of a signature. */
export async function signed(signer, message) {
  if (!(signer instanceof Uint8Array)) return new Uint8Array(await crypto.subtle.sign(ED25519, signer, message));
  if ((await wayHere()) === "native") return signed(await imported(signer), message);
  const { hashes, sha512, sign } = await import("./library.js");
  hashes.sha512 = sha512;
  return sign(message, signer);
}

// What this device keeps ---------------------------------------------------------------------------------------------

function database(mode, use) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("patina", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("keys", { keyPath: "did" });
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const working = request.result.transaction("keys", mode);
      let asked;
      try {
        asked = use(working.objectStore("keys"));
      } catch (error) {
        reject(error); // what cannot be kept here at all
        request.result.close();
        return;
      }
      working.oncomplete = () => (request.result.close(), resolve(asked.result));
      working.onerror = working.onabort = () => reject(working.error);
    };
  });
}

/** Every key that this device made: {did, signer, item, ledger, name, token}. */
export const deviceKeys = () => database("readonly", (store) => store.getAll());

/** Keep a key, or what is known of it. */
export const keep = (key) => database("readwrite", (store) => store.put(key));

/** Make a key and keep it before anything is said with it. */
export async function makeDeviceKey(about) {
  const kept = { ...about, ...(await makeKey()) };
  await keep(kept);
  // Ask that it is not thrown away when the disk is full.
  if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
  return kept;
}
