// Who may say what, and what it changes: `judge` and `follow`, as ledger/rule.py.
//
// `judge` decides whether an entry may stand at its index, by the state before it; `follow` folds in one that may.
// Where a subject, a statement or a party is `NOT_SHOWN`, the rules that rest on it are left to whoever audits the log.

import { Forbidden, Invalid, Refused } from "./errors.js";
import { partyOf, subjectKind } from "./forms.js";
import { NOBODY, checkSpeaker, heldAt } from "./holding.js";
import * as item from "./item.js";
import { has } from "./json.js";
import { checkTime } from "./leaf.js";
import { TYPES, checkCorrection, holderKey } from "./types.js";

export const NOT_SHOWN = Symbol("not shown");
const MAX_WHOLES = 32;
const CORRECTIONS = ["statement.corrected", "statement.retracted"];
const OF_STATEMENTS = [...CORRECTIONS, "statement.disputed"];
const isShown = (state) => state !== undefined && state !== NOT_SHOWN;
const isKept = (kind) => kind === "item" || kind === "case";

/** Throws `Invalid`, `Refused` or `Forbidden` unless the entry may stand at its index; nothing is changed.
 *
 * `states` has one element a subject: its state before this entry, undefined for a subject without one, or `NOT_SHOWN`.
 */
export function judge(entry, parties, before, look) {
  const { statement } = entry;
  if (statement.ledger !== parties.ledger) throw new Invalid("want the leaf hash of entry 0 of this ledger", "/ledger");
  checkTime(entry);
  const row = TYPES.get(statement.type);
  const states = before.map((state) => inForce(state, entry.recorded_at));
  const kind = judgeSubjects(statement, row, parties, states);
  if (statement.grant === undefined) {
    judgeParty(entry, row, parties, states[0]);
  } else {
    judgeHolder(entry, row, states[0]);
  }
  if ((statement.corrects === undefined) === CORRECTIONS.includes(statement.type)) {
    throw new Invalid("want corrects in a correction or retraction, and nowhere else", "/corrects");
  }
  if (OF_STATEMENTS.includes(statement.type)) {
    judgeReferred(statement, states[0], look);
  } else if (statement.type === "data.erased") {
    judgeErased(statement, look);
  }
  judgeKeys(statement, parties, look);
  parties.refuse(entry);
  if (isKept(kind)) judgeItem(entry, parties, states, look);
}

/** The states of the entry's subjects after it; changes `parties` and the given states in place. */
export function follow(entry, leafHash, parties, before) {
  const { statement } = entry;
  const after = statement.subjects.map((subject, number) => {
    if (before[number] === NOT_SHOWN) return NOT_SHOWN;
    const state = before[number] || item.newState(firstKind(statement, subject, parties));
    state.held = heldAt(state.held, entry.recorded_at);
    if (statement.grant === undefined) sign(state, statement.party);
    if (number === 0 && isKept(state.kind)) {
      item.follow(state, entry, leafHash);
    } else if (state.kind === "item") {
      item.followSecond(state, entry, leafHash);
    }
    if (number === 0 && statement.type === "statement.retracted") state.retracted.push(statement.corrects);
    return state;
  });
  parties.follow(entry);
  return after;
}

/** Note who said what cannot be folded in: that a party is concerned follows from any type (§9). */
export function passOver({ statement: { party, grant } }, states) {
  if (grant !== undefined) return;
  for (const state of states) if (state && state !== NOT_SHOWN) sign(state, party);
}

/** Note that a party signed an entry of a subject. */
function sign(state, party) {
  if (!state.signers.includes(party)) state.signers.push(party);
}

/** Throws `Forbidden` unless every signature is by a key of the entry's party, or holder, whatever its type is. */
export function checkSpeak(entry, parties, state) {
  const { statement, signatures } = entry;
  if (statement.grant !== undefined) {
    checkSpeaker(state ? heldAt(state.held, entry.recorded_at) : NOBODY, entry);
  } else if (!signatures.every(({ key }) => parties.inForce(key, statement.party))) {
    throw new Forbidden("got a signature by a key that is not in force for this party", "/signatures");
  }
}

const inForce = (state, recordedAt) => (isShown(state) ? { ...state, held: heldAt(state.held, recordedAt) } : state);

function firstKind(statement, subject, parties) {
  if (statement.type === "item.registered") return "item";
  if (subjectKind(subject) === "authority") return "authority";
  if (subject === parties.ledgerSubject) return "ledger";
  return subject === statement.case ? "case" : "party";
}

/** The kind of a subject; "" where it has none yet, or none that is shown. */
function kindOf(subject, state, parties) {
  if (subjectKind(subject) === "authority") return "authority";
  if (subject === parties.ledgerSubject) return "ledger";
  if (parties.known(subject)) return "party";
  return isShown(state) ? state.kind : "";
}

function judgeSubjects(statement, row, parties, states) {
  const { subjects, type } = statement;
  const kind = kindOf(subjects[0], states[0], parties) || newKind(statement, states[0], row);
  if (!row.kinds.includes(kind)) throw new Refused(`got ${type} about a subject of kind ${kind}`, "/subjects/0");
  if (statement.case === subjects[0] && kind !== "case") throw new Refused("got a case that is no case", "/case");
  let [least, most] = row.subjects;
  const isOwn = kind === "case" && most === 1 && statement.grant === undefined && !OF_STATEMENTS.includes(type);
  if (isOwn) [least, most] = [2, 2];
  if (subjects.length < least || subjects.length > most) {
    throw new Invalid(`got ${subjects.length} subjects, want ${least}`, "/subjects");
  }
  if (!OF_STATEMENTS.includes(type)) {
    const want = kind === "case" ? "party" : "item";
    for (let number = 1; number < states.length; number++) judgeOther(statement, number, states[number], parties, want);
  }
  return kind;
}

/** The kind that a subject without entries gets by this one. */
function newKind(statement, state, row) {
  const [subject] = statement.subjects;
  const own = statement.case === subject;
  const isUuid = subjectKind(subject) === "uuid";
  if (statement.type === "item.registered") return "item";
  if (statement.type === "case.opened" && own && isUuid) return "case";
  if (state === NOT_SHOWN) {
    if (own && row.kinds.includes("case")) return "case";
    return row.kinds.includes("item") ? "item" : row.kinds[0];
  }
  if (row.kinds.includes("party") && isUuid) return "party";
  throw new Refused("nothing is known of this subject", "/subjects/0");
}

function judgeOther({ type, subjects }, number, state, parties, want) {
  if (state === NOT_SHOWN && want === "item") return;
  const kind = kindOf(subjects[number], state, parties);
  if (type === "data.erased") {
    if (!kind && state === undefined) throw new Refused("nothing is known of this subject", `/subjects/${number}`);
  } else if (kind !== want && want === "item") {
    throw new Refused(`got a subject of kind ${kind || "none"}, want ${want}`, `/subjects/${number}`);
  }
}

function judgeParty({ statement, signatures }, row, parties, state) {
  const { type, party, details } = statement;
  const found = parties.parties.get(party);
  if (found && found.suspended && type !== "key.revoked") throw new Forbidden("this party is suspended", "/party");
  const keys = signatures.map(({ key }) => key);
  if (type === "key.added" && keys.pop() !== details.key) {
    throw new Forbidden("want the signature of the new key, standing last", "/signatures");
  }
  if (!keys.length) throw new Forbidden("want the signature of a key in force for the party", "/signatures");
  keys.forEach((key, number) => {
    if (!parties.inForce(key, party)) {
      throw new Forbidden("got a signature by a key that is not in force for this party", `/signatures/${number}/key`);
    }
  });
  if (!maySpeak(statement, row, parties, state)) {
    throw new Forbidden(`got a party that may not say ${type}, want ${row.who.join(", ")}`, "/party");
  }
}

function maySpeak({ party, subjects, details }, row, parties, state) {
  const roles = parties.roles(party);
  const isOf = (list) => roles.some((role) => list.includes(role));
  if (isOf(row.who) || row.who.includes("same")) return true;
  if (row.who.includes("self") && party === subjects[0].replace(/#authority$/, "")) return true;
  if (row.who.includes("concerned") && state !== undefined) return state === NOT_SHOWN || state.signers.includes(party);
  if (details.on_behalf === true && isOf(row.behalf)) return true;
  return details.performed_by === "outside" && isOf(row.outside);
}

function judgeHolder(entry, row, state) {
  if (!row.who.includes("holder") && !row.who.includes("same")) {
    throw new Forbidden("a holder may not say this", "/party");
  }
  if (!isShown(state)) throw new Forbidden("nobody holds this, so nobody can speak as its holder", "/party");
  if (row.behalf.length && has(entry.statement.details, "on_behalf")) {
    throw new Invalid("a holder speaks for nobody else", "/details/on_behalf");
  }
  checkSpeaker(state.held, entry);
}

function judgeReferred(statement, state, look) {
  const { type, subjects, details, party, corrects } = statement;
  const disputed = type === "statement.disputed";
  const pointer = disputed ? "/details/disputes" : "/corrects";
  const found = look.entry(disputed ? details.disputes : corrects, subjects[0]);
  if (found === NOT_SHOWN) return;
  if (!found) throw new Refused("got a statement that is not in this ledger", pointer);
  const of = found.statement;
  if (disputed) {
    if (!of.subjects.includes(subjects[0])) throw new Refused("got a statement about another subject", pointer);
    return;
  }
  if (of.subjects.join(" ") !== subjects.join(" ")) throw new Refused("got a statement with other subjects", pointer);
  if (OF_STATEMENTS.includes(of.type)) throw new Refused(`got a ${of.type}; correct the statement itself`, pointer);
  const holding = isShown(state) ? state.held.holding : null;
  const grants = holding === null ? [] : holding.grants;
  const isHolders = of.grant === undefined || grants.some(({ entry }) => entry === of.grant);
  if (of.party !== party || !isHolders) {
    throw new Forbidden("a statement is corrected or retracted by whoever made it, and by nobody else", "/party");
  }
  if (isShown(state) && state.retracted.includes(corrects)) throw new Refused("this statement is retracted", pointer);
  if (has(details, "details")) checkCorrection(of.type, details.details);
}

function judgeErased({ subjects, details }, look) {
  const firsts = new Set();
  for (const id of details.statements) {
    const found = look.entry(id, "");
    if (found === NOT_SHOWN) return;
    if (!found || !subjects.includes(found.statement.subjects[0])) {
      throw new Refused("got a statement that is not about one of the subjects", "/details/statements");
    }
    firsts.add(found.statement.subjects[0]);
  }
  if (firsts.size !== subjects.length) throw new Refused("want the first subjects of the statements", "/subjects");
}

function judgeKeys(statement, parties, look) {
  const { type, details, subjects } = statement;
  const named = holderKey(statement);
  if (named !== undefined) {
    if (parties.isKey(named) || look.holderKey(named)) {
      throw new Refused("got a key that was used before", "/details/holder_key");
    }
  } else if (type === "key.added" && look.holderKey(details.key)) {
    throw new Refused("got a holder's key", "/details/key");
  } else if (type === "ledger.key_added" && look.holderKey(parties.didOf(details.vkey))) {
    throw new Refused("got a holder's key", "/details/vkey");
  } else if (type === "party.registered" && isShown(look.state(partyOf(subjects[0])))) {
    throw new Refused("this uuid is an item or a case", "/subjects/0");
  }
}

function judgeItem(entry, parties, states, look) {
  const { statement } = entry;
  if (isShown(states[0])) {
    if (statement.type === "case.opened" && has(statement.details, "holder_key")) {
      throw new Refused("the item's holder speaks in its cases; none is named for one", "/details/holder_key");
    }
    item.refuse(states[0], entry, parties.operator);
  }
  const second = states.length > 1 && !OF_STATEMENTS.includes(statement.type) ? states[1] : undefined;
  if (isShown(second) && second.kind === "item") {
    item.refuseSecond(second, entry);
    refuseCycle(statement, look);
  }
}

/** Throws `Refused` if a part would become a part of itself: parts are a forest. */
function refuseCycle({ type, subjects, details }, look) {
  const replaced = type === "repair.part_replaced";
  if (!replaced && !(type === "item.linked" && ["piece", "set"].includes(details.as))) return;
  const part = subjects[replaced ? 1 : 0];
  let whole = subjects[replaced ? 0 : 1];
  for (let steps = 0; steps < MAX_WHOLES; steps++) {
    if (whole === part) throw new Refused("a part cannot be a part of itself", "/subjects");
    const state = look.state(whole);
    if (!isShown(state) || !state.whole) return;
    whole = state.whole;
  }
  throw new Refused(`got a part more than ${MAX_WHOLES} steps below its whole`, "/subjects");
}
