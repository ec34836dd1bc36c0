// What a value of `details` must be (events.md): a shape `{form, says, check}`, made once and called for every
// statement.
//
// `check(value)` gives the JSON pointers of members that are not known, which a reader cannot tell (format.md §9). It
// throws `Invalid` for what is wrong, `Unknown` for a key of another type. `says` is the shape in words, the same as in
// ledger/shapes.py: a test compares the two tables of types by it.

import { parseDid } from "./didkey.js";
import { Invalid, PatinaError, Unknown } from "./errors.js";
import { isDay, parseOccurred, subjectKind } from "./forms.js";
import { has } from "./json.js";

const NONE = [];
const TOKEN = "[a-z][a-z0-9_]{0,63}";
const UUID = "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const AGENT = "[A-Za-z0-9_-]{1,64}";
const MAX_LIST = 64;
export const MAX_NAMES = 32;
export const FORMS = { AGENT, TOKEN, UUID };

/** The JSON type of a value; numbers are integers, because nothing else is canonical. */
function formOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function shape(form, says, passes) {
  const check = (value) => {
    if (formOf(value) !== form || !passes(value)) throw new Invalid(`want ${says}`);
    return NONE;
  };
  return { form, says, check };
}

export const text = (limit) =>
  shape("string", `text of 1 to ${limit} characters`, (value) => value !== "" && isWithin(value, limit));
/** Characters are Unicode code points; a text has no more of them than UTF-16 units. */
const isWithin = (value, limit) => value.length <= limit || Array.from(value).length <= limit;
export const pattern = (expression, says) => {
  const form = new RegExp(`^(?:${expression})$`, "u");
  return shape("string", says, (value) => form.test(value));
};
export const words = (...allowed) => {
  const says = allowed.length > 1 ? `one of ${allowed.join(", ")}` : `the word ${allowed[0]}`;
  return shape("string", says, (value) => allowed.includes(value));
};
export const integer = (low, high) =>
  shape("number", `an integer from ${low} to ${high}`, (value) => value >= low && value <= high);
export const decimal = (signed = false) =>
  pattern(
    `${signed ? "-?" : ""}(?:0|[1-9][0-9]{0,14})(?:\\.[0-9]{1,9})?`,
    `a decimal number as a string, such as ${signed ? "-" : ""}0.25`,
  );

/** A word of a list, or else another shape of a string. */
export function wordsOr(other, ...allowed) {
  const says = `${allowed.join(", ")}, or ${other.says}`;
  return { form: "string", says, check: (value) => (allowed.includes(value) ? NONE : other.check(value)) };
}

/** A string that `parse` takes; it throws `PatinaError`. */
function parsed(parse, says) {
  const check = (value) => {
    if (typeof value !== "string") throw new Invalid(`want ${says}`);
    try {
      parse(value);
    } catch (error) {
      if (!(error instanceof PatinaError)) throw error;
      throw error instanceof Unknown ? new Unknown(`want ${says}`) : new Invalid(`want ${says}`);
    }
    return NONE;
  };
  return { form: "string", says, check };
}

/** One of several shapes, which the JSON type of the value chooses. */
export function either(...shapes) {
  const says = shapes.map((one) => one.says).join(", or ");
  const check = (value) => {
    const chosen = shapes.find((one) => one.form === formOf(value));
    if (!chosen) throw new Invalid(`want ${says}`);
    return chosen.check(value);
  };
  return { form: "any", says, check };
}

/** A list of values; `distinct` ones are strings. */
export function many(one, atMost = MAX_LIST, { atLeast = 0, distinct = false } = {}) {
  const count = atLeast === 0 ? `up to ${atMost}` : `${atLeast} to ${atMost}`;
  const says = `a list of ${count}${distinct ? " distinct" : ""}: ${one.says}`;
  const check = (value) => {
    if (!Array.isArray(value) || value.length < atLeast || value.length > atMost) throw new Invalid(`want ${says}`);
    const unknown = checkMembers(Object.entries(value), () => one);
    if (distinct && new Set(value).size < value.length) throw new Invalid("want distinct values in the list");
    return unknown;
  };
  return { form: "array", says, check };
}

/** An object; members of one list of `together` stand together or not at all, those not named are `others`. */
export function record(required, optional = {}, { together = [], others = null } = {}) {
  const shapes = { ...required, ...optional };
  const says = `an object with ${saidMembers(required, optional, others)}`;
  const check = (value) => {
    if (formOf(value) !== "object") throw new Invalid(`want ${says}`);
    for (const name of Object.keys(required)) {
      if (!has(value, name)) throw new Invalid(`got no ${name}, want ${shapes[name].says}`, `/${name}`);
    }
    for (const group of together) {
      const absent = group.filter((name) => !has(value, name));
      if (absent.length && absent.length < group.length) throw new Invalid(`got no ${absent[0]}`, `/${absent[0]}`);
    }
    return checkMembers(Object.entries(value), (name) => (has(shapes, name) ? shapes[name] : others));
  };
  return { form: "object", says, check };
}

/** An object of members of any names. */
export function mapping(one, atMost = MAX_NAMES) {
  const says = `an object of up to ${atMost} names, each with ${one.says}`;
  const check = (value) => {
    if (formOf(value) !== "object" || Object.keys(value).length > atMost) throw new Invalid(`want ${says}`);
    return checkMembers(Object.entries(value), () => one);
  };
  return { form: "object", says, check };
}

/** The pointers of what is not known below a container. What is wrong goes before what cannot be told. */
function checkMembers(members, shapeOf) {
  const unknown = [];
  let untold = null;
  for (const [name, member] of members) {
    const shape = shapeOf(name);
    if (!shape) {
      unknown.push(`/${name}`);
      continue;
    }
    try {
      unknown.push(...shape.check(member).map((pointer) => `/${name}${pointer}`));
    } catch (error) {
      if (error instanceof PatinaError) error.pointer = `/${name}${error.pointer}`;
      if (!(error instanceof Unknown)) throw error;
      untold = untold || error;
    }
  }
  if (untold) throw untold;
  return unknown;
}

function saidMembers(required, optional, others) {
  const said = Object.keys(required).map((name) => `${name} (${required[name].says})`);
  const names = Object.keys(optional);
  said.push(...names.filter((name) => optional[name] !== ABSENT).map((name) => `${name}? (${optional[name].says})`));
  if (others) said.push(`any others (${others.says})`);
  const absent = names.filter((name) => optional[name] === ABSENT);
  const whole = said.join(", ") || "no members";
  return absent.length ? `${whole}, but no ${absent.join(" or ")}` : whole;
}

function parseDate(value) {
  const found = /^(?!0|9999)([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(value);
  if (!found || !isDay(...found.slice(1).map(Number))) throw new Invalid("want a date");
}

function parseItem(value) {
  if (subjectKind(value) === "authority") throw new Invalid("want an item");
}

export const ABSENT = shape("any", "no such member", () => false);
export const ANYTHING = { form: "any", says: "any JSON", check: () => NONE };
export const FLAG = shape("boolean", "true or false", () => true);
export const TRUE = shape("boolean", "true", (value) => value);
export const WORD = pattern(TOKEN, `a word ${TOKEN}`);
export const TIME = parsed(parseOccurred, "a time with zone, as occurred_at");
const MOMENT_SAYS = "a date YYYY-MM-DD or a time with zone";
export const MOMENT = parsed((value) => (value.length === 10 ? parseDate(value) : parseOccurred(value)), MOMENT_SAYS);
export const DID = parsed(parseDid, "a did:key");
export const ITEM = parsed(parseItem, "an item's URI in canonical form");
export const STATEMENT = pattern(UUID, "a statement id, urn:uuid: and a lower-case uuid");
export const PARTY = pattern(UUID, "a party, urn:uuid: and a lower-case uuid");
export const STAFF = pattern(AGENT, `a pseudonymous staff id ${AGENT}`);
export const HASH = pattern("[0-9a-f]{64}", "64 lower-case hexadecimal digits");
export const DIGEST = pattern(
  "[A-Za-z0-9_\\-]{42}[AEIMQUYcgkosw048]",
  "a disclosure digest, base64url of 32 bytes",
);
export const URL = pattern(
  "(?=.{1,2048}$)https:\\/\\/[A-Za-z0-9](?:[A-Za-z0-9.\\-]*[A-Za-z0-9])?(?::[0-9]{1,5})?" +
    "(?:[\\/?#](?:[A-Za-z0-9._~:\\/?#@!$&'()*+,;=\\[\\]\\-]|%[0-9A-Fa-f]{2})*)?",
  "an https URL",
);
