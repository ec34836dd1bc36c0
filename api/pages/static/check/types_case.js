// Statements about cases and the work done in them (events.md §4), as ledger/types_case.py.

import {
  AGENTS, CHANNEL, CHECKS, CODE, CONDITION, COUNT, CURRENCY, DAYS, EVIDENCE, FINDINGS, HOLDER_MEMBERS, LINE, LINES,
  NAME, PARTS, QUANTITY, RATING, TESTS, rows,
} from "./rows.js";
import { DIGEST, FLAG, FORMS, ITEM, MOMENT, PARTY, WORD, either, integer, pattern, words, wordsOr } from "./shapes.js";

const CASE = "item case";
const SHOP = "retailer repairer";
const ASSIGNEE = pattern(
  `${FORMS.UUID}|${FORMS.AGENT}`,
  `a party, or a pseudonymous staff id or team ${FORMS.AGENT}`,
);
const SETTLED_WITH = pattern(`${FORMS.UUID}|${FORMS.TOKEN}`, `a party, or a word ${FORMS.TOKEN}`);
const WORKSHOP = wordsOr(PARTY, "outside");
const REASON = { reason: WORD };
const CUSTODY = { evidence: EVIDENCE };
const SEEN = { condition: CONDITION };
const OUTCOME = { outcome: words("resolved", "unresolved", "withdrawn") };
const RATINGS = Object.fromEntries(
  ["response", "quality", "attitude", "timeliness", "professionalism", "product"].map((name) => [name, RATING]),
);
const QUOTE = { quote: DIGEST, currency: CURRENCY, due: MOMENT, expires: MOMENT };
const WORK = { work: LINES, tests: TESTS };
const WORKED = {
  parts: PARTS,
  methods: LINES,
  agents: AGENTS,
  labour_minutes: integer(0, 527_040),
  warranty_days: DAYS,
  performed_by: words("outside"),
};

export const CASE_TYPES = [
  ...rows("case.opened", CASE, "retailer repairer holder operator", {
    required: {
      kind: words(
        "repair", "maintenance", "exchange", "return", "complaint", "consultation", "customization", "feedback",
        "installation",
      ),
      channel: CHANNEL,
      issue: words(
        "quality", "misuse", "transport", "stock", "logistics", "terms", "slowness", "attitude", "feedback", "other",
      ),
    },
    optional: {
      fault: CODE,
      severity: WORD,
      priority: WORD,
      tier: integer(1, 9),
      mode: words("in_store", "on_site", "remote"),
      job_no: CODE,
      visit: CODE,
      promised: MOMENT,
      warranty_claim: FLAG,
      ...HOLDER_MEMBERS,
    },
  }),
  ...rows("case.assigned", CASE, `${SHOP} operator`, {
    required: { to: ASSIGNEE },
    optional: { level: integer(1, 3) },
  }),
  ...rows("case.escalated", CASE, `${SHOP} operator holder`, {
    required: { to: ASSIGNEE },
    optional: { level: integer(1, 3) },
  }),
  ...rows("case.responded", CASE, SHOP, { optional: { plan: NAME, expected: MOMENT } }),
  ...rows("case.contacted", CASE, SHOP, { required: { channel: WORD, reached: FLAG } }),
  ...rows("case.scheduled", CASE, SHOP, { required: { from: MOMENT, until: MOMENT } }),
  ...rows("case.visited", CASE, SHOP, { required: { result: words("done", "no_access", "part_missing", "refused") } }),
  ...rows("case.received", CASE, SHOP, { required: CUSTODY, optional: SEEN }),
  ...rows("case.forwarded", CASE, SHOP, { required: { to: WORKSHOP, ...CUSTODY }, optional: SEEN }),
  ...rows("case.returned", CASE, SHOP, { required: CUSTODY, optional: SEEN }),
  ...rows("case.diagnosed", CASE, `${SHOP} certifier`, {
    required: {
      findings: either(FINDINGS, LINES),
      responsible: words("manufacturer", "retailer", "repairer", "carrier", "holder", "none"),
      in_warranty: FLAG,
    },
    optional: { responsible_party: PARTY },
  }),
  ...rows("case.quoted", CASE, SHOP, { required: { free: FLAG }, optional: QUOTE }),
  ...rows("case.approved case.declined", CASE, "holder", { required: { free: FLAG }, optional: QUOTE, behalf: SHOP }),
  ...rows("case.waiting case.resumed", CASE, SHOP, {
    required: { for: words("approval", "parts", "customer", "workshop") },
    optional: { expected: MOMENT },
  }),
  ...rows("case.extended", CASE, SHOP, { required: { limit: WORD, until: MOMENT, reason: WORD, hard: FLAG } }),
  ...rows("case.decided", CASE, `${SHOP} manufacturer`, {
    required: {
      decision: words("accepted", "partly", "refused"),
      remedy: words("repair", "exchange", "return", "refund", "compensation", "apology", "explanation"),
    },
    optional: { grounds: WORD },
  }),
  ...rows("repair.started repair.completed", "item", "repairer", {
    required: WORK,
    optional: WORKED,
    outside: "retailer",
  }),
  ...rows("repair.failed", "item", "repairer", {
    required: { ...WORK, ...REASON },
    optional: WORKED,
    outside: "retailer",
  }),
  ...rows("repair.part_replaced", "item", "repairer", {
    required: { part: LINE, quantity: QUANTITY },
    optional: { old_serial: CODE, new_serial: CODE, genuine: FLAG },
    second: "item",
    subjects: [1, 2],
  }),
  ...rows("maintenance.performed customization.completed", "item", `${SHOP} manufacturer`, {
    required: { work: LINES },
    optional: { tests: TESTS, next_due: MOMENT },
  }),
  ...rows("exchange.completed", "item", "retailer", {
    required: { replacement: ITEM, ...REASON },
    optional: HOLDER_MEMBERS,
    second: "item",
    subjects: [2, 2],
  }),
  ...rows("return.completed", "item", "retailer", {
    required: { ...REASON, condition: either(NAME, CONDITION) },
    optional: { resaleable: FLAG },
  }),
  ...rows("case.inspected", CASE, SHOP, { required: { passed: FLAG }, optional: { tests: TESTS, ...CUSTODY } }),
  ...rows("case.handed_over", CASE, SHOP, {
    required: { check: words("receipt_code", "phone_code", "id", "signature", "delegate"), ...CUSTODY },
    optional: HOLDER_MEMBERS,
  }),
  ...rows("case.accepted case.refused", CASE, "holder", {
    required: { checks: CHECKS },
    optional: REASON,
    behalf: SHOP,
  }),
  ...rows("case.settled", CASE, "retailer", {
    required: { what: words("refund", "difference", "compensation", "fee", "chargeback") },
    optional: { with: SETTLED_WITH },
  }),
  ...rows("case.followed_up", CASE, SHOP, { required: { reached: FLAG, resolved: FLAG } }),
  ...rows("case.surveyed", CASE, `${SHOP} auditor operator`, {
    required: { source: WORD, asked: either(FLAG, COUNT), answered: either(FLAG, COUNT) },
    optional: { overall: RATING, ...RATINGS },
  }),
  ...rows("case.evaluated", CASE, "holder", { required: { overall: RATING }, optional: RATINGS }),
  ...rows("case.closed", CASE, SHOP, { required: OUTCOME }),
  ...rows("case.reopened", CASE, `${SHOP} holder`, { required: OUTCOME }),
];
