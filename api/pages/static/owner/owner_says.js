// What a holder signs (docs/format.md §2 and §3): statements with their private members, and askings to read.

import { PatinaError } from "./errors.js";
import { formatBase64, formatBase64url, hexOf, joined, parseBase64url, textOf, utf8 } from "./forms.js";
import { encode } from "./json.js";
import { sha256, signed } from "./owner_keys.js";

const STATEMENT = "application/vnd.patina.statement.v1+json";
const READING = "application/vnd.patina.reading.v1+json"; // of its own: no statement is read as an asking
const random = (length) => crypto.getRandomValues(new Uint8Array(length));

/** A disclosure that does not fit the statement (its id is the message) that it came with. */
export class Unfit extends PatinaError {}

/** The bytes of a statement that are signed: DSSE's pre-authentication encoding. */
export function message(statement, type = STATEMENT) {
  const body = utf8(encode(statement));
  return joined(utf8(`DSSEv1 ${type.length} ${type} ${body.length} `), body);
}

/** The signature of a statement by a key. */
export async function sign(statement, { signer, did }, type = STATEMENT) {
  return { key: did, sig: formatBase64(await signed(signer, message(statement, type))) };
}

/** What a holder sends who asks to read: `asked` has ledger, subject, grant and at. */
export const signAsking = async (asked, key) => ({ asked, signature: await sign(asked, key, READING) });

/** The disclosures of private members, and `_sd`: as many digests as the type has `room` for, to tell nothing. */
export async function conceal(members, room) {
  const texts = Object.entries(members).map(([name, value]) =>
    formatBase64url(utf8(encode([formatBase64url(random(16)), name, value]))),
  );
  const digests = await Promise.all(texts.map(async (text) => formatBase64url(await sha256(utf8(text)))));
  while (digests.length < room) digests.push(formatBase64url(random(32)));
  return { disclosures: texts, sd: digests.sort() };
}

/** By statement id, the private members of a history bundle; throws unless each fits the signed statement's digests.
 *
 * That the statements stand in the log and are all there is what `patina verify` proves of the same bundle.
 */
export async function openDisclosures({ subject, histories, disclosures }) {
  const { entries } = histories.find((one) => one.subject === subject);
  const digests = new Map(entries.map((text) => JSON.parse(text).statement).map((one) => [one.id, one._sd || []]));
  const opened = new Map();
  for (const [id, texts] of Object.entries(disclosures)) {
    const members = [];
    for (const text of texts) {
      const digest = formatBase64url(await sha256(utf8(text)));
      if (!(digests.get(id) || []).includes(digest)) throw new Unfit(id);
      members.push(JSON.parse(textOf(parseBase64url(text))).slice(1));
    }
    opened.set(id, members);
  }
  return opened;
}

/** A fresh UUIDv7 (RFC 9562 §5.7) as urn:uuid. */
export function newId(now = Date.now()) {
  const bytes = random(16);
  for (let at = 0; at < 6; at++) bytes[at] = Math.floor(now / 256 ** (5 - at)) % 256;
  bytes[6] = 0x70 | (bytes[6] & 15);
  bytes[8] = 0x80 | (bytes[8] & 63);
  return formatId(bytes);
}

/** The 16 bytes of a UUID as urn:uuid. */
export const formatId = (raw) => "urn:uuid:" + hexOf(raw).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
