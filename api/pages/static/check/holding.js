// Who holds an item or a case (events.md §1 rule 7, §3): a fold of the entries that name a holder key, as
// ledger/holding.py. Values are not changed: `at` says which is in force at a time.

import { Forbidden, Refused } from "./errors.js";
import { HOUR, formatRecorded, parseRecorded } from "./forms.js";
import { has } from "./json.js";

const WAIT = 72n * HOUR;
const PAPER = ["receipt", "sealed"];
export const NOBODY = { holding: null, pending: [] };

const present = (holding) => holding.grants[holding.grants.length - 1];
const rootOf = (holding) => (holding === null ? null : holding.grants[0].entry);

/** What is in force for an entry that is recorded then. */
export function heldAt(held, recordedAt) {
  const now = parseRecorded(recordedAt);
  let holding = held.holding;
  const left = [];
  for (const pending of held.pending) {
    const due = parseRecorded(pending.since) + WAIT;
    if (now < due) {
      left.push(pending);
    } else if (pending.root === rootOf(holding)) {
      holding = comeIntoForce(holding, pending, formatRecorded(due));
    }
  }
  return { holding, pending: left.filter((pending) => pending.root === rootOf(holding)) };
}

function comeIntoForce(holding, { reset, grant }, due) {
  if (reset || holding === null) return { grants: [grant], released: false, resetAt: due };
  return { ...holding, grants: [...holding.grants, grant] };
}

/** Throws `Forbidden` unless the grant and every signature but a new key's are the holder's. */
export function checkSpeaker({ holding }, { statement, signatures }) {
  if (holding === null) throw new Forbidden("nobody holds this, so nobody can speak as its holder", "/grant");
  const grants = statement.type === "item.claimed" ? holding.grants : [present(holding)];
  const grant = grants.find(({ entry }) => entry === statement.grant);
  if (!grant || (grant !== present(holding) && !PAPER.includes(grant.custody))) {
    throw new Forbidden("got a grant whose holding does not last, want the present holder's", "/grant");
  }
  const naming = ["item.claimed", "item.transferred"].includes(statement.type) && has(statement.details, "holder_key");
  const want = naming ? [grant.key, statement.details.holder_key] : [grant.key];
  if (signatures.map(({ key }) => key).join() !== want.join()) {
    throw new Forbidden("want the signature of the holder's key, then that of a new key that is named", "/signatures");
  }
}

/** Throws `Refused` if a sale, hand-over or exchange names a holder for what is held already. */
export function refuseNaming({ holding }, { details }) {
  if (has(details, "holder_key") && holding !== null && !holding.released) {
    throw new Refused("this is held; a new holder is named by the present one", "/details/holder_key");
  }
}

/** Throws `Refused` if the holding is released, or a claim is refused that does not wait. */
export function refuseClaimOrTransfer({ holding, pending }, { type, details }) {
  if (type === "item.claim_refused") {
    if (!pending.some(({ id }) => id === details.refused)) {
      throw new Refused("got a claim or reset that does not wait", "/details/refused");
    }
  } else if (holding !== null && holding.released) {
    throw new Refused("this was returned or exchanged", "/type");
  }
}

/** What is in force after an accepted entry that names a holder key. */
export function named({ holding, pending }, { statement, recorded_at }, leafHash) {
  const { type, details, id } = statement;
  const grant = { key: details.holder_key, custody: details.holder_custody, entry: leafHash };
  const waits = { grant, id, since: recorded_at, reset: type === "item.holder_reset", root: rootOf(holding) };
  if (waits.reset) return { holding, pending: [...pending, waits] };
  if (type === "item.claimed" && holding !== null) {
    if (statement.grant !== present(holding).entry) return { holding, pending: [...pending, waits] };
    return { holding: { ...holding, grants: [...holding.grants, grant] }, pending };
  }
  return { holding: { grants: [grant], released: false, resetAt: null }, pending: [] };
}

/** What is in force after a return or an exchange. */
export function released({ holding, pending }) {
  return { holding: holding && { ...holding, released: true }, pending };
}

/** What is in force after the holder refused what waited. */
export function refused({ holding, pending }, claim) {
  return { holding, pending: pending.filter(({ id }) => id !== claim) };
}
