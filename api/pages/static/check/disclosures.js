// Private members of a statement: disclosures and digests of RFC 9901, narrowed by format.md §2 (check 9).

import { Malformed } from "./errors.js";
import { formatBase64url, parseBase64url, textOf, utf8 } from "./forms.js";
import { decode, has, isObject } from "./json.js";

const NAME = /^_?[A-Za-z][A-Za-z0-9_]{0,62}$/;
const RESERVED = ["_sd", "_sd_alg"];

/** The private members, by name, that disclosures open of the statement whose `_sd` is given; throws `Malformed`. */
export async function openDisclosures(sha256, sd, disclosures) {
  const members = new Map();
  if (disclosures.length > sd.length) throw new Malformed("got more disclosures than digests");
  for (const text of disclosures) {
    const [name, value] = parseDisclosure(text);
    if (!sd.includes(formatBase64url(await sha256(utf8(text))))) {
      throw new Malformed(`got a disclosure of ${name} whose digest is not in the statement`);
    }
    if (members.has(name)) throw new Malformed(`got two disclosures of ${name}, want one`);
    members.set(name, value);
  }
  return members;
}

function parseDisclosure(text) {
  const parts = decode(textOf(parseBase64url(text)));
  const [salt, name, value] = Array.isArray(parts) ? parts : [];
  if (typeof salt !== "string" || typeof name !== "string" || parts.length !== 3) {
    throw new Malformed("got a disclosure out of form, want [salt, name, value]");
  }
  const { length } = parseBase64url(salt);
  if (length < 16 || length > 32) throw new Malformed("got a salt that has not 16 to 32 bytes");
  if (!NAME.test(name) || RESERVED.includes(name)) {
    throw new Malformed("got a private member whose name may not be one");
  }
  refuseReserved(value);
  return [name, value];
}

function refuseReserved(value) {
  if (isObject(value) && RESERVED.some((name) => has(value, name))) {
    throw new Malformed("got a private value with a member _sd or _sd_alg");
  }
  if (typeof value === "object" && value !== null) Object.values(value).forEach(refuseReserved);
}
