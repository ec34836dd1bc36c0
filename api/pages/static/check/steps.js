// The few hard rules of a case (events.md §4) and whose hands an item is in, as ledger/steps.py and ledger/custody.py.

import { Refused } from "./errors.js";
import { DAY, HOUR, parseOccurred, parseRecorded } from "./forms.js";
import { has } from "./json.js";

const set = (text) => new Set(text.split(" "));
const AFTER_CARE = set(
  "case.contacted case.followed_up case.evaluated case.surveyed case.accepted case.refused case.settled " +
    "case.reopened statement.disputed statement.corrected statement.retracted",
);
const WORK = set(
  "repair.started repair.completed repair.failed repair.part_replaced maintenance.performed customization.completed",
);
const DECISIONS = set("case.approved case.declined");
const DOES_NOTHING = set(
  "case.assigned case.escalated case.surveyed statement.corrected statement.retracted statement.disputed data.erased",
);
const MOVES = set(
  "case.received case.forwarded case.returned case.handed_over return.completed exchange.completed",
);

/** Throws `Refused` if the entry may not follow what its case, on this subject, has seen. */
export function refuseStep(state, entry) {
  const { statement } = entry;
  const { type } = statement;
  if (statement.case === undefined) {
    if (type.startsWith("case.")) throw new Refused("a case statement names its case", "/case");
    return;
  }
  const found = state.cases.get(statement.case);
  if (type === "case.opened") {
    if (found) throw new Refused("this case is open already", "/case");
    return;
  }
  if (!found) throw new Refused("this case was not opened on this subject", "/case");
  if (found.closed && !AFTER_CARE.has(type)) throw new Refused("this case is closed", "/case");
  if (type === "case.forwarded" || type === "case.handed_over") refuseForeign(state, statement.party);
  if (type === "case.evaluated") refuseEvaluation(found);
  if (DECISIONS.has(type)) refuseDecision(found, entry);
  if (WORK.has(type) && found.ended) throw new Refused("this case ended in an exchange or a return", "/case");
}

function refuseForeign({ custody }, party) {
  if (custody[custody.length - 1] !== party) throw new Refused("this is not in the party's custody", "/type");
}

function refuseEvaluation({ evaluated, served }) {
  if (evaluated) throw new Refused("this case is evaluated; revise it by a correction", "/case");
  if (!served) throw new Refused("nothing was done in this case yet that could be evaluated", "/type");
}

function refuseDecision(found, { statement, recorded_at }) {
  const quote = found.quotes.get(quoteNamed(found.quotes, statement));
  if (!quote) throw new Refused("got a decision on a quote that this case does not have", "/details/quote");
  if (quote.decided) throw new Refused("this quote is decided; a change of mind takes a new one", "/details/quote");
  if (isExpired(quote.expires, happenedAt(statement.occurred_at, recorded_at))) {
    throw new Refused("this quote expired", "/details/quote");
  }
}

/** The quote that a decision names, else the newest. */
function quoteNamed(quotes, { details }) {
  return has(details, "quote") ? details.quote : [...quotes.keys()].pop();
}

/** As its author says if it was recorded within a day of that; else when it was recorded. */
function happenedAt(occurredAt, recordedAt) {
  const [occurred, recorded] = [parseOccurred(occurredAt), parseRecorded(recordedAt)];
  return recorded - DAY <= occurred && occurred <= recorded ? occurred : recorded;
}

/** A quote that names a day has expired once that day is over everywhere. */
function isExpired(expires, at) {
  if (expires === "") return false;
  if (expires.length === 10) return at > parseOccurred(`${expires}T23:59:59.999999Z`) + 12n * HOUR;
  return at > parseOccurred(expires);
}

/** Fold an accepted entry into the cases of its first subject. */
export function followStep(cases, { statement, index, recorded_at }) {
  const { type, details } = statement;
  if (type === "case.opened") {
    const never = { closed: false, evaluated: false, served: false, ended: false };
    cases.set(statement.case, { opened: index, openedAt: recorded_at, ...never, quotes: new Map() });
    return;
  }
  const found = cases.get(statement.case);
  if (!found) return; // opened by an entry that this reader could not tell
  if (statement.grant === undefined && !DOES_NOTHING.has(type)) found.served = true;
  if (type === "case.quoted") followQuote(found.quotes, details);
  if (DECISIONS.has(type) && found.quotes.has(quoteNamed(found.quotes, statement))) {
    found.quotes.get(quoteNamed(found.quotes, statement)).decided = true;
  }
  if (type === "case.evaluated") found.evaluated = true;
  if (type === "case.closed" || type === "case.reopened") found.closed = type === "case.closed";
  if (type === "exchange.completed" || type === "return.completed") found.ended = true;
}

function followQuote(quotes, details) {
  const name = has(details, "quote") ? details.quote : "";
  const known = quotes.get(name);
  quotes.delete(name);
  quotes.set(name, { expires: details.expires || "", decided: name !== "" && known !== undefined && known.decided });
}

/** Who has the item in hand, last, after an accepted entry; before it stands who passed it on and expects it back. */
export function custodyAfter({ custody, cases }, statement) {
  const { type, party } = statement;
  if (!MOVES.has(type)) return custody;
  const found = cases.get(statement.case);
  if (type === "case.received") return reached(custody, party);
  if (type === "case.forwarded") return reached(reached(custody, party), statement.details.to);
  if (type === "case.returned") return givenBack(custody, party);
  if (type === "case.handed_over") return found && found.ended ? custody : [];
  return [party];
}

function reached(chain, party) {
  return chain.includes(party) ? chain.slice(0, chain.indexOf(party) + 1) : [...chain, party];
}

function givenBack(chain, party) {
  if (!chain.includes(party)) return chain;
  const at = chain.indexOf(party);
  return at === chain.length - 1 ? chain.slice(0, at) : chain.slice(0, at + 1);
}
