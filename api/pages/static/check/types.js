// The table of statement types (events.md §1-§4) and the check of `details` against it, as ledger/types.py.

import { PatinaError, Unknown } from "./errors.js";
import {
  ANY, CHECKS, CODE, INSTALLED, AGENTS, DAYS, GRADES, HOLDER_MEMBERS, LINE, LINES, MAX_SUBJECTS, MONTHS, NAME, ROLES,
  TESTS, UNCORRECTED, rows,
} from "./rows.js";
import {
  ABSENT, ANYTHING, DID, FLAG, HASH, MOMENT, PARTY, STAFF, STATEMENT, TIME, URL, WORD, either, integer, many, mapping,
  pattern, record, text, words, wordsOr,
} from "./shapes.js";
import { CASE_TYPES } from "./types_case.js";
import { SPACE } from "./note.js";

const MAX_STATEMENTS = 500;
const VKEY = pattern(
  `(?=.{1,4096}$)[^+${SPACE}]+\\+[^+${SPACE}]+\\+[^${SPACE}]+`,
  "a verifier key, name+id+key",
);
const ORIGIN = pattern(`[^+${SPACE}]{1,255}`, "an origin of 1 to 255 characters without spaces and +");
const SIZE = integer(1, Number.MAX_SAFE_INTEGER);
const CLOCK = pattern("(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", "a time of day HH:MM");
const WEEKDAYS = many(words("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 7, { atLeast: 1, distinct: true });
const PARTY_MEMBERS = {
  country: pattern("[A-Z]{2}", "an ISO 3166-1 country of two capitals"),
  timezone: pattern("(?=.{1,64}$)[A-Za-z]+(?:[\\/_+\\-][A-Za-z0-9]+)*", "a time zone of the IANA database"),
  calendar: CODE,
  hours: many(either(LINE, record({ days: WEEKDAYS, from: CLOCK, until: CLOCK }))),
  url: URL,
  parent: PARTY,
  accreditation: either(NAME, mapping(NAME)),
};
const FINDING = record({ grade: WORD }, { statements: many(STATEMENT, MAX_STATEMENTS), what: NAME });
const IMPROVED = { finding: LINE, measure: NAME };
const PLANNED = { due: MOMENT, target: LINE };
const DOCUMENT = Object.fromEntries(
  (
    "name kinds categories steps checklists limits evidence faults warranty returns remedies weights targets tiers " +
    "care basis source texts"
  ).split(" ").map((name) => [name, ANYTHING]),
);
const REASON = { reason: WORD };

const PARTY_TYPES = [
  ...rows("ledger.created", "ledger", "entry0", {
    required: { origin: ORIGIN, name: NAME, vkey: VKEY, key: DID },
    optional: { continues: record({ vkey: VKEY, size: SIZE, root: HASH }) },
  }),
  ...rows("ledger.key_added ledger.key_retired", "ledger", "operator", { required: { vkey: VKEY }, optional: REASON }),
  ...rows("party.registered party.updated", "authority", "operator", {
    required: { name: NAME, roles: many(words(...ROLES), ROLES.length, { distinct: true }) },
    optional: PARTY_MEMBERS,
  }),
  ...rows("party.suspended party.reinstated", "authority", "operator", { required: REASON }),
  ...rows("key.added", "authority", "self operator", { required: { key: DID, custody: words("self", "ledger") } }),
  ...rows("key.revoked", "authority", "self operator", {
    required: { key: DID, reason: words("retired", "lost", "compromised") },
    optional: { since: TIME },
  }),
  ...rows("standard.adopted", "party", "self operator", {
    required: { standard: LINE, version: CODE },
    optional: DOCUMENT,
    others: ANYTHING,
  }),
  ...rows("staff.qualified staff.disqualified staff.left", "party", "self certifier", {
    required: { agent: STAFF },
    optional: { skill: CODE, level: either(integer(1, 9), text(32)), hours: integer(0, 100_000), valid_until: MOMENT },
  }),
  ...rows("audit.performed", "party", "auditor", { required: { scope: NAME, findings: many(FINDING, 256) } }),
  ...rows("improvement.planned", "party", "self", { required: IMPROVED, optional: PLANNED }),
  ...rows("improvement.done", "party", "self", {
    required: { ...IMPROVED, checkpoint: either(SIZE, record({ size: SIZE, root: HASH })) },
    optional: PLANNED,
  }),
  ...rows("alarm.taken_up", "party", "self operator", { required: { alarm: LINE } }),
  ...rows("service.interrupted service.resumed", "party", "self operator", { required: REASON }),
  ...rows("data.erased", ANY, "operator", {
    required: {
      statements: many(STATEMENT, MAX_STATEMENTS, { atLeast: 1, distinct: true }),
      why: words("request", "retention", "authority"),
    },
    subjects: [1, MAX_SUBJECTS],
  }),
];

const FROM = wordsOr(MOMENT, "sold", "received", "installed");
const CERTIFICATE = { result: words("authentic", "not_authentic", "inconclusive"), methods: LINES };
const CERTIFIED = { standard: LINE, grades: GRADES, valid_until: MOMENT };
const CORRECTED = record({}, Object.fromEntries(UNCORRECTED.map((name) => [name, ABSENT])), { others: ANYTHING });
const ONE_OR_TWO = { second: "item", subjects: [1, 2] };
const MAKER = "manufacturer retailer operator";

const ITEM_TYPES = [
  ...rows("item.registered", "item", "manufacturer retailer repairer certifier", {
    required: { name: NAME, category: LINE },
    optional: {
      brand: LINE,
      model: LINE,
      materials: many(LINE, 32),
      origin: words("manufactured", "imported", "intake"),
    },
  }),
  ...rows("item.inspected", "item", "manufacturer retailer", { required: { tests: TESTS }, optional: { batch: CODE } }),
  ...rows("item.sold", "item", "retailer", {
    required: { channel: WORD },
    optional: { warranty_months: MONTHS, warranty_from: FROM, return_days: DAYS, custom: FLAG, ...HOLDER_MEMBERS },
  }),
  ...rows("item.delivered", "item", "retailer carrier", {
    required: { method: words("hand", "courier", "installer"), state: words("whole", "damaged", "short") },
    optional: { documents: LINES },
  }),
  ...rows("item.installed", "item", "retailer repairer", {
    required: { checks: INSTALLED },
    optional: { agents: AGENTS },
  }),
  ...rows("item.accepted item.refused", "item", "holder", { required: { checks: CHECKS }, behalf: "retailer" }),
  ...rows("item.claimed item.transferred", "item", "holder", { required: HOLDER_MEMBERS }),
  ...rows("item.claim_refused", "item", "holder", { required: { refused: STATEMENT } }),
  ...rows("item.holder_reset", "item", "retailer operator", {
    required: { ...HOLDER_MEMBERS, reason: WORD, evidence: words("id", "purchase_record", "estate", "court") },
  }),
  ...rows("item.reported_lost item.reported_stolen item.recovered", "item", "holder operator"),
  ...rows("item.recalled item.recall_closed", "item", MAKER, { required: { reason: WORD, remedy: WORD } }),
  ...rows("item.linked", "item", "retailer operator", {
    required: { as: words("same", "set", "pair", "piece") },
    second: "item",
    subjects: [2, 2],
  }),
  ...rows("item.retired", "item", `${MAKER} holder`, { required: REASON }),
  ...rows("item.reinstated", "item", MAKER, { required: REASON }),
  ...rows("authentication.certified", "item", "certifier", {
    required: { certificate_no: CODE, ...CERTIFICATE },
    optional: CERTIFIED,
    ...ONE_OR_TWO,
  }),
  ...rows("authentication.revoked", "item", "certifier", {
    required: { certificate_no: CODE, ...REASON },
    optional: { ...CERTIFICATE, ...CERTIFIED },
    ...ONE_OR_TWO,
  }),
  ...rows("certificate.recorded", "item", "retailer repairer holder", {
    required: { issuer_name: NAME, certificate_no: CODE },
    optional: { url: URL, grades: GRADES },
  }),
  ...rows("warranty.granted", "item", "manufacturer retailer", {
    required: { months: MONTHS, from: FROM, covers: LINES },
  }),
  ...rows("insurance.valued", "item", "certifier retailer", { optional: { valid_until: MOMENT } }),
  ...rows("statement.corrected", ANY, "same", {
    required: REASON,
    optional: { details: CORRECTED },
    subjects: [1, MAX_SUBJECTS],
  }),
  ...rows("statement.retracted", ANY, "same", { required: REASON, subjects: [1, MAX_SUBJECTS] }),
  ...rows("statement.disputed", "item case party", "holder concerned operator", {
    required: { disputes: STATEMENT, reason: words("not_so", "not_agreed", "not_me", "unlawful") },
  }),
];

export const TYPES = new Map([...PARTY_TYPES, ...ITEM_TYPES, ...CASE_TYPES].map((row) => [row.name, row]));

/** Pointers to members that the type does not know; throws `Invalid`, and `Unknown` for a type of a later version. */
export const checkDetails = (type, details) => check(type, "details", details, "/details");

/** The same of the corrected details of a statement of a type. */
export const checkCorrection = (type, details) => check(type, "correction", details, "/details/details");

function check(type, which, details, base) {
  if (!TYPES.has(type)) throw new Unknown("got a type that this version does not know", "/type");
  try {
    return TYPES.get(type)[which].check(details).map((pointer) => base + pointer);
  } catch (error) {
    if (error instanceof PatinaError) error.pointer = base + error.pointer;
    throw error;
  }
}

/** The did:key of the holder that checked `details` name; undefined if they name none. */
export function holderKey({ type, details }) {
  return TYPES.has(type) && TYPES.get(type).namesHolder ? details.holder_key : undefined;
}
