// One row of the tables of statement types, and the shapes that several rows share, as ledger/types_row.py.

import {
  ABSENT, DID, FLAG, MAX_NAMES, STAFF, TRUE, WORD, decimal, either, integer, many, mapping, pattern, record, text,
  words,
} from "./shapes.js";

export const ROLES = ["operator", "manufacturer", "retailer", "repairer", "certifier", "carrier", "auditor"];
export const ANY = "ledger authority party item case";
export const MAX_SUBJECTS = 16;
export const UNCORRECTED = ["key", "holder_key", "holder_custody"];

export const NAME = text(200);
export const LINE = text(120);
export const CODE = text(64);
export const FINDINGS = text(2000);
export const AGENTS = many(STAFF, 32);
export const LINES = many(NAME);
export const GRADES = mapping(LINE);
export const RATING = integer(1, 5);
export const COUNT = integer(0, 1_000_000);
export const DAYS = integer(0, 36_500);
export const MONTHS = integer(0, 1_200);
export const CURRENCY = pattern("[A-Z]{3}", "an ISO 4217 currency of three capitals");
export const QUANTITY = either(integer(1, 1_000_000), decimal());
export const CHANNEL = words(
  "store", "phone", "web", "app", "email", "message", "social", "marketplace", "onsite", "kiosk",
);
const CUSTODY = words("receipt", "sealed", "device");
export const TESTS = many(
  record({ name: LINE, result: CODE }, { standard: LINE, value: decimal(true), unit: text(16) }),
);
export const CHECKS = many(
  record(
    { aspect: words("appearance", "function", "marking", "packaging", "documents"), result: WORD },
    { handling: WORD },
  ),
);
export const INSTALLED = many(either(LINE, record({ name: LINE }, { result: WORD, handling: WORD })));
const PART = record({ part: LINE }, { quantity: QUANTITY, old_serial: CODE, new_serial: CODE, genuine: FLAG });
export const PARTS = many(either(LINE, PART));
const SEEN = record({ what: LINE }, { colour: CODE, count: COUNT, state: WORD });
export const CONDITION = many(either(NAME, SEEN));
const LOOSE = many(either(LINE, record({ what: LINE }, { count: COUNT, weight_g: decimal() })));
const PLAIN = either(NAME, COUNT, FLAG, many(NAME, MAX_NAMES));
export const EVIDENCE = record(
  {},
  {
    weight_g: decimal(),
    expected_change_g: decimal(true),
    loose: LOOSE,
    photos: many(pattern("[a-z0-9][a-z0-9._\\-]{0,63}", "an attachment's name or SHA-256"), MAX_NAMES),
    reason: WORD,
  },
  { others: PLAIN },
);
export const HOLDER_MEMBERS = { holder_key: DID, holder_custody: CUSTODY };
const BEHALF_MEMBERS = { on_behalf: TRUE, basis: words("signed_paper", "call", "message", "witness") };
const TOGETHER = [Object.keys(HOLDER_MEMBERS), Object.keys(BEHALF_MEMBERS)];

const split = (names) => names.split(" ").filter((name) => name);

/** The rows of some types of the same members; names, kinds and roles are parted by spaces.
 *
 * `who` may say it; a role in `behalf` only with `on_behalf`, one in `outside` only with `performed_by`: `outside`.
 * `subjects` are the least and greatest number of subjects, `second` the kind of a second one.
 */
export function rows(names, kinds, who, more = {}) {
  const { required = {}, behalf = "", outside = "", second = null, subjects = [1, 1], others = null } = more;
  const optional = { ...more.optional, ...(behalf ? BEHALF_MEMBERS : {}) };
  const all = Object.keys({ ...required, ...optional });
  const together = TOGETHER.filter((group) => group.every((name) => all.includes(name)));
  return split(names).map((name) => ({
    name, kinds: split(kinds), who: split(who), behalf: split(behalf), outside: split(outside), second, subjects,
    required, optional,
    namesHolder: all.includes("holder_key"),
    details: record(required, optional, { together, others }),
    correction: record(
      without(required),
      { ...without(optional), ...Object.fromEntries(UNCORRECTED.map((member) => [member, ABSENT])) },
      { together: together.filter((group) => !group.some((member) => UNCORRECTED.includes(member))), others },
    ),
  }));
}

const without = (shapes) => Object.fromEntries(Object.entries(shapes).filter(([name]) => !UNCORRECTED.includes(name)));
