// What may be said of an item and of a case, and how it changes their state (events.md §2 to §4), as ledger/item.py.

import { Forbidden, Refused } from "./errors.js";
import { NOBODY, named, refuseClaimOrTransfer, refuseNaming, refused, released } from "./holding.js";
import { has } from "./json.js";
import { custodyAfter, followStep, refuseStep } from "./steps.js";
import { holderKey } from "./types.js";

const AFTER_RETIREMENT = [
  "statement.corrected", "statement.retracted", "statement.disputed", "item.reinstated", "data.erased",
];
const NOT_AFTER_RESET = ["case.evaluated", "case.approved", "case.accepted", "item.accepted"];

/** The state of a subject before its first entry; as much of it as rules rest on. */
export const newState = (kind) => ({
  kind, signers: [], held: NOBODY, soldBy: "", retired: null, stolen: false, whole: "",
  certificates: new Map(), cases: new Map(), retracted: [], custody: [],
});

/** Throws `Refused` or `Forbidden` if the entry contradicts the state of its first subject, an item or a case. */
export function refuse(state, entry, operator) {
  const { statement } = entry;
  const { type, details } = statement;
  if (type === "item.registered") throw new Refused("this item is registered", "/subjects/0");
  refuseRetired(state, statement);
  refuseStep(state, entry);
  if (statement.grant !== undefined) refuseAfterReset(state, statement);
  if (type === "item.sold" || type === "case.handed_over") refuseNaming(state.held, statement);
  if (type === "item.holder_reset" && statement.party !== operator && statement.party !== state.soldBy) {
    throw new Forbidden("want the retailer of the last sale, or the operator", "/party");
  }
  if ((type === "item.sold" || type === "item.transferred") && state.stolen) {
    throw new Refused("this item is reported stolen", "/type");
  }
  if (["item.transferred", "item.claimed", "item.claim_refused"].includes(type)) {
    refuseClaimOrTransfer(state.held, statement);
  }
  if (type === "item.retired") refuseRetirement(state, statement);
  if (type === "authentication.revoked" && !certifiers(state, details).includes(statement.party)) {
    throw new Forbidden("want a certificate in force that this certifier signed", "/details/certificate_no");
  }
  if (type === "item.linked" && isPart(details) && !["", statement.subjects[1]].includes(state.whole)) {
    throw new Refused("this item is a part of another one", "/subjects/0");
  }
}

const isPart = ({ as }) => as === "piece" || as === "set";
const certifiers = ({ certificates }, { certificate_no }) => certificates.get(certificate_no) || [];

/** The same of the item that is its second subject. */
export function refuseSecond(state, { statement }) {
  const { type, details, subjects } = statement;
  if (state.retired !== null && ["exchange.completed", "repair.part_replaced"].includes(type)) {
    throw new Refused("this item is retired", "/subjects/1");
  }
  if (type === "exchange.completed") {
    if (details.replacement !== subjects[1]) {
      throw new Refused("want the second subject to be the replacement", "/details/replacement");
    }
    refuseNaming(state.held, statement);
  }
}

function refuseRetired(state, statement) {
  if (state.retired === null) {
    if (statement.type === "item.reinstated") throw new Refused("this item is not retired", "/type");
    return;
  }
  const found = state.cases.get(statement.case);
  if (!AFTER_RETIREMENT.includes(statement.type) && (!found || found.opened > state.retired)) {
    throw new Refused("this item is retired", "/subjects/0");
  }
}

function refuseAfterReset({ held: { holding }, cases }, statement) {
  if (holding === null || holding.resetAt === null || !NOT_AFTER_RESET.includes(statement.type)) return;
  const found = cases.get(statement.case);
  if (found && found.openedAt < holding.resetAt) {
    throw new Forbidden("this key came by reset after the case was opened", "/case");
  }
}

function refuseRetirement({ held: { holding } }, { grant }) {
  if (holding !== null && !holding.released && grant === undefined) {
    throw new Refused("a held item is retired after a return or an exchange, or by its holder", "/type");
  }
}

/** Fold an accepted entry into the state of its first subject, an item or a case. */
export function follow(state, entry, leafHash) {
  const { statement } = entry;
  state.custody = custodyAfter(state, statement);
  if (statement.case !== undefined) followStep(state.cases, entry);
  if (holderKey(statement) !== undefined && statement.type !== "exchange.completed") {
    state.held = named(state.held, entry, leafHash);
  }
  const change = FOLLOW.get(statement.type);
  if (change) change(state, entry);
}

/** The same of the item that is its second subject. */
export function followSecond(state, entry, leafHash) {
  const { type, details, subjects } = entry.statement;
  if (type === "exchange.completed" && has(details, "holder_key")) state.held = named(state.held, entry, leafHash);
  if (type === "repair.part_replaced") state.whole = subjects[0];
}

function certified(state, { statement }) {
  state.certificates.set(statement.details.certificate_no, [...certifiers(state, statement.details), statement.party]);
}

function certificateRevoked(state, { statement }) {
  const left = [...certifiers(state, statement.details)];
  left.splice(left.indexOf(statement.party), 1);
  state.certificates.set(statement.details.certificate_no, left);
}

function claimRefused(state, { statement }) {
  state.held = refused(state.held, statement.details.refused);
}

const changes = (members) => (state) => Object.assign(state, members);
const release = (state) => Object.assign(state, { held: released(state.held) });
const FOLLOW = new Map([
  ["item.sold", (state, { statement }) => Object.assign(state, { soldBy: statement.party })],
  ["item.reported_stolen", changes({ stolen: true })],
  ["item.recovered", changes({ stolen: false })],
  ["item.claim_refused", claimRefused],
  ["item.retired", (state, { index }) => Object.assign(state, { retired: index })],
  ["item.reinstated", changes({ retired: null })],
  ["item.linked", (state, { statement }) => {
    if (isPart(statement.details)) state.whole = statement.subjects[1];
  }],
  ["return.completed", release],
  ["exchange.completed", release],
  ["authentication.certified", certified],
  ["authentication.revoked", certificateRevoked],
]);
