// Forms of strings (format.md §2 and §4): bytes in text, times, uuids, subjects. As ledger/forms.py, times.py and
// uri.py.

import { Invalid, Malformed } from "./errors.js";

export const HASH = /^[0-9a-f]{64}$/;
export const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const ZERO_HASH = "0".repeat(64);

// Bytes --------------------------------------------------------------------------------------------------------------

const encoder = new TextEncoder();
/** The UTF-8 of a text. */
export const utf8 = (text) => encoder.encode(text);

/** The text of UTF-8 bytes; throws `Malformed`. */
export function textOf(raw) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw new Malformed("got bytes that are not UTF-8");
  }
}

const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes in lower-case hex digits. */
export function hexOf(raw) {
  let hex = "";
  for (const byte of raw) hex += PAIRS[byte];
  return hex;
}

/** The bytes of an even number of hex digits. */
export function bytesOf(hex) {
  const raw = new Uint8Array(hex.length / 2);
  for (let at = 0; at < raw.length; at++) raw[at] = parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  return raw;
}

/** Parts of bytes, one after the other. */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function binary(text) {
  const raw = new Uint8Array(text.length);
  for (let at = 0; at < raw.length; at++) raw[at] = text.charCodeAt(at);
  return raw;
}
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes of base64 with padding (RFC 4648 §4) in its one spelling; throws `Malformed`. */
export function parseBase64(text) {
  const decoded = BASE64.test(text) ? atob(text) : null;
  if (decoded === null || btoa(decoded) !== text) throw new Malformed("got text that is no base64");
  return binary(decoded);
}

/** The base64 of bytes. */
export const formatBase64 = (raw) => btoa(Array.from(raw, (byte) => String.fromCharCode(byte)).join(""));

/** The base64url of bytes, without padding. */
export const formatBase64url = (raw) => formatBase64(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

/** The bytes of base64url without padding in its one spelling; throws `Malformed`. */
export function parseBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Malformed("got text that is no base64url without padding");
  const padded = text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4);
  return parseBase64(padded);
}

// Times, as microseconds since 1970 in a BigInt ----------------------------------------------------------------------

const CLOCK = "T((?:[01][0-9]|2[0-3])):([0-5][0-9]):([0-5][0-9])";
const RECORDED = new RegExp(`^([0-9]{4})-([0-9]{2})-([0-9]{2})${CLOCK}\\.([0-9]{3})(Z)$`);
const ZONE = "(Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))";
const OCCURRED = new RegExp(`^((?!0|9999)[0-9]{4})-([0-9]{2})-([0-9]{2})${CLOCK}(?:\\.([0-9]{1,6}))?${ZONE}$`);
export const HOUR = 3_600_000_000n;
export const DAY = 24n * HOUR;

/** Milliseconds of the start of a real day, or null. */
function dayOf(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const real = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real ? date.getTime() : null;
}

/** Whether year, month and day are a real date. */
export const isDay = (year, month, day) => dayOf(year, month, day) !== null;

function parseTime(form, text) {
  const found = form.exec(text);
  const start = found ? dayOf(Number(found[1]), Number(found[2]), Number(found[3])) : null;
  if (start === null) throw new Malformed("got a time out of form");
  const [hours, minutes, seconds] = found.slice(4, 7).map(Number);
  const zone = found[8] === "Z" ? [0, 0] : found[8].slice(1).split(":").map(Number);
  const offset = (found[8][0] === "-" ? -1 : 1) * (zone[0] * 60 + zone[1]);
  const whole = start + ((hours * 60 + minutes - offset) * 60 + seconds) * 1000;
  return BigInt(whole) * 1000n + BigInt((found[7] || "").padEnd(6, "0"));
}

/** The time that an author states (§2); throws `Malformed`. */
export const parseOccurred = (text) => parseTime(OCCURRED, text);

/** The time of the appender (§4); throws `Malformed`. */
export const parseRecorded = (text) => parseTime(RECORDED, text);

/** A time as `recorded_at` spells it, cut to milliseconds. */
export function formatRecorded(micros) {
  const cut = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  return new Date(Number(cut)).toISOString();
}

// Subjects -----------------------------------------------------------------------------------------------------------

const CHARACTER = "(?:[A-Za-z0-9._-]|%(?:2[1256789ABCF]|3[A-F]))";
const ITEM = new RegExp(
  `^https://id\\.gs1\\.org/(?:01/([0-9]{14})/21/(?!\\.{1,2}$)${CHARACTER}{1,20}|8004/(?!\\.{1,2}$)${CHARACTER}{1,30})$`,
);
const AUTHORITY = "#authority";

/** `gs1`, `uuid` or `authority`; throws `Invalid` unless the subject is in its one spelling. */
export function subjectKind(uri) {
  if (UUID.test(uri)) return "uuid";
  if (uri.endsWith(AUTHORITY) && UUID.test(uri.slice(0, -AUTHORITY.length))) return "authority";
  const found = ITEM.exec(uri);
  if (!found || (found[1] && !isChecked(found[1]))) throw new Invalid("got a subject that is not in canonical form");
  return "gs1";
}

function isChecked(gtin) {
  const sum = Array.from(gtin, Number).reduce((total, digit, at) => total + digit * (at % 2 ? 1 : 3), 0);
  return sum % 10 === 0;
}

/** The authority subject of a party; throws `Invalid` unless it is a uuid. */
export function authorityOf(party) {
  if (!UUID.test(party)) throw new Invalid("got a party that is no urn:uuid");
  return party + AUTHORITY;
}

/** The party of an authority subject; throws `Invalid` unless it is one. */
export function partyOf(authority) {
  if (!authority.endsWith(AUTHORITY) || subjectKind(authority) !== "authority") {
    throw new Invalid("got a subject that is no party and #authority");
  }
  return authority.slice(0, -AUTHORITY.length);
}
