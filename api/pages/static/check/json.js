// JSON as format.md §1 and §7 want it: exact integers, no name twice, one spelling.
//
// JSON.parse alone will not do: of two members of one name it keeps the last, it rounds 9007199254740993, it takes
// 1.0 for 1. `decode` reads canonical text by encoding its value again and walking it; `parse` reads ordinary text,
// such as a bundle, strictly. Both give plain values whose numbers are safe integers.

import { Malformed } from "./errors.js";

const MAX_DEPTH = 16;
const NAME = /^_?[A-Za-z][A-Za-z0-9_]{0,62}$/;
const BAD_CHARACTER = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
// Without the flag u, under which WebKit 2.44 and before finds the second half of a whole character too.
const HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?:^|[^\ud800-\udbff])[\udc00-\udfff]/;

/** Whether a text holds half of a character: a surrogate that stands alone. */
export const hasHalf = (text) => HALF.test(text);

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const has = (object, name) => Object.prototype.hasOwnProperty.call(object, name);

/** Text with sorted names and minimal escapes (RFC 8785, for the values that §1 allows). */
export function encode(value) {
  if (Array.isArray(value)) return "[" + value.map(encode).join(",") + "]";
  if (!isObject(value)) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return "{" + names.map((name) => JSON.stringify(name) + ":" + encode(value[name])).join(",") + "}";
}

/** The value of canonical text; throws `Malformed` unless it is canonical. */
export function decode(text) {
  let value;
  try {
    value = JSON.parse(text);
    if (encode(value) !== text) throw new Malformed("got text that differs from its canonical form");
  } catch (error) {
    // A stack that overflows is a document nested far too deeply.
    throw error instanceof Malformed ? error : new Malformed("got text that is not JSON");
  }
  checkRules(value);
  return value;
}

/** Throws `Malformed` for what §1 forbids in a value: characters, numbers, names, depth. */
export const checkRules = (value) => walk(value, 0);

function walk(value, depth) {
  if (typeof value === "string") {
    if (BAD_CHARACTER.test(value) || hasHalf(value)) throw new Malformed("got a character in a string that may not stand there");
  } else if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Malformed("got a number that is no integer within 2^53-1");
  } else if (typeof value === "object" && value !== null) {
    if (depth === MAX_DEPTH) throw new Malformed(`got containers more than ${MAX_DEPTH} deep`);
    if (!Array.isArray(value) && !Object.keys(value).every((name) => NAME.test(name))) {
      throw new Malformed("got a member name out of form");
    }
    for (const one of Object.values(value)) walk(one, depth + 1);
  }
}

/** The value of ordinary JSON text; throws `Malformed` for a name twice, a fraction and what is no JSON. */
export function parse(text) {
  try {
    const reader = new Reader(text);
    const value = reader.value();
    if (reader.peek() !== undefined) throw new Malformed("got more than one value");
    return value;
  } catch (error) {
    throw error instanceof Malformed ? error : new Malformed("got text that is not JSON");
  }
}

const LITERALS = { t: ["true", true], f: ["false", false], n: ["null", null] };

/** Reads one text from its start; objects have no prototype, so that every name is a name. */
class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** The next character that is no space; undefined at the end. */
  peek() {
    while (" \n\r\t".includes(this.text[this.at] || "x")) this.at++;
    return this.text[this.at];
  }

  value() {
    const next = this.peek();
    if (next === "{") return this.object();
    if (next === "[") return this.array();
    if (next === '"') return this.string();
    if (next !== undefined && has(LITERALS, next)) {
      const [word, value] = LITERALS[next];
      if (!this.text.startsWith(word, this.at)) throw new Malformed("got a word that is no JSON");
      this.at += word.length;
      return value;
    }
    return this.number();
  }

  object() {
    const object = Object.create(null);
    this.list("}", () => {
      if (this.peek() !== '"') throw new Malformed("got an object out of form");
      const name = this.string();
      if (name in object) throw new Malformed("got a member name twice");
      if (this.peek() !== ":") throw new Malformed("got a member without a value");
      this.at++;
      object[name] = this.value();
    });
    return object;
  }

  array() {
    const array = [];
    this.list("]", () => array.push(this.value()));
    return array;
  }

  list(end, one) {
    this.at++;
    if (this.peek() === end) {
      this.at++;
      return;
    }
    for (;;) {
      one();
      const next = this.peek();
      this.at++;
      if (next === end) return;
      if (next !== ",") throw new Malformed("got a list out of form");
    }
  }

  string() {
    const from = this.at;
    let to = from;
    do to = this.text.indexOf('"', to + 1);
    while (to > 0 && this.isEscaped(to));
    if (to < 0) throw new Malformed("got a string without an end");
    this.at = to + 1;
    const value = JSON.parse(this.text.slice(from, this.at));
    if (hasHalf(value)) throw new Malformed("got half a character in a string");
    return value;
  }

  isEscaped(at) {
    let strokes = 0;
    while (this.text[at - 1 - strokes] === "\\") strokes++;
    return strokes % 2 === 1;
  }

  number() {
    const form = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
    form.lastIndex = this.at;
    const found = form.exec(this.text);
    const value = found ? Number(found[0]) : NaN;
    if (!Number.isSafeInteger(value)) throw new Malformed("got no integer within 2^53-1");
    this.at = form.lastIndex;
    return value + 0; // -0 is 0
  }
}
