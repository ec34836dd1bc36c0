// Parties, their roles and keys, and the ledger's own keys: who may speak (events.md §1), as ledger/party.py.
//
// A reader folds the entries that a bundle shows, and concludes nothing from a party that is not there. Vkeys are
// parsed before (`vkeys`, by their text: the key, or the error that it raised), because their ids are hashes.

import { formatDid, parseDid } from "./didkey.js";
import { Forbidden, Invalid, PatinaError, Refused, Unknown } from "./errors.js";
import { formatRecorded, parseOccurred, partyOf, subjectKind } from "./forms.js";
import { has } from "./json.js";
import { checkTime } from "./leaf.js";
import { ED25519 } from "./note.js";

const MAX_VKEYS = 4;
const USED = "got a key that was used before; a key is added once in the life of a ledger";
const newParty = () => ({ name: "", roles: [], parent: null, registered: false, suspended: false, keys: [] });
const subjectParty = (statement) => partyOf(statement.subjects[0]);

/** Who may speak at an index of the log; `ledger` is the leaf hash of entry 0. */
class Parties {
  constructor(parsed, members) {
    this.parsed = parsed;
    Object.assign(this, members);
  }

  roles(party) {
    const { roles } = this.parties.get(party) || newParty();
    return party === this.operator ? ["operator", ...roles] : roles;
  }

  known(party) {
    return party === this.operator || this.parties.has(party);
  }

  inForce(did, party) {
    return this.parties.has(party) && this.parties.get(party).keys.includes(did);
  }

  isKey(did) {
    return this.keys.has(did) || [...this.vkeys.keys()].some((text) => this.didOf(text) === did);
  }

  vkeysInForce() {
    return [...this.vkeys.keys()].filter((text) => this.vkeys.get(text) === null);
  }

  /** The key of a vkey of the ledger; throws what parsing it raised, and `Unknown` for another type. */
  vkey(text) {
    const found = this.parsed.get(text);
    if (found instanceof Error) throw found;
    return knownKind(found);
  }

  didOf(text) {
    return formatDid(this.vkey(text).key);
  }

  /** Throws `Refused` if the entry contradicts the table. */
  refuse(entry) {
    const refuse = REFUSE.get(entry.statement.type);
    if (refuse) refuse(this, entry);
  }

  /** Change the table by an entry that was accepted. */
  follow(entry) {
    const follow = FOLLOW.get(entry.statement.type);
    if (follow) follow(this, entry);
  }
}

function knownKind(vkey) {
  if (vkey.kind !== ED25519) {
    throw new Unknown(`got a vkey of type ${vkey.kind}, this version knows type 1`, "/details/vkey");
  }
  return vkey;
}

/** The table after entry 0, a `ledger.created` signed by the operator key that it names; throws `Invalid`. */
export function start(entry, leafHash, parsed) {
  const { statement, signatures } = entry;
  const need = (holds, want) => {
    if (!holds) throw new Invalid(want);
  };
  const { type, ledger, subjects, corrects, details, party } = statement;
  need(entry.index === 0 && type === "ledger.created" && ledger === undefined, "entry 0 is not a ledger.created");
  need(subjects.length === 1 && corrects === undefined, "want one subject of entry 0, and nothing that it corrects");
  checkTime(entry);
  const parties = new Parties(parsed, {
    ledger: leafHash,
    ledgerSubject: subjects[0],
    origin: details.origin,
    operator: party,
    vkeys: new Map([[details.vkey, null]]),
    parties: new Map([[party, { ...newParty(), name: details.name, keys: [details.key] }]]),
    keys: new Map([[details.key, newKey(party, entry, [], false)]]),
  });
  if (parsed.get(details.vkey) instanceof Error) throw parsed.get(details.vkey);
  need(parsed.get(details.vkey).name === details.origin, "want a vkey named like the origin");
  need(parties.didOf(details.vkey) !== formatDid(parseDid(details.key)), "the operator's key is the log's key");
  need(signatures.length === 1 && signatures[0].key === details.key, "entry 0 is not signed by the operator key alone");
  need(party !== subjects[0] && subjectKind(subjects[0]) === "uuid", "want a uuid of its own for the ledger");
  return parties;
}

const newKey = (party, { index, recorded_at }, signers, installed) => ({
  party, index, addedAt: recorded_at, signers, installed, revoked: null, reason: null, since: null, told: null,
});

// What an entry may not say of the table -----------------------------------------------------------------------------

function refuseVkey(parties, { statement }) {
  const text = statement.details.vkey;
  const found = parties.parsed.get(text);
  if (found instanceof Error) throw found;
  if (found.name !== parties.origin) throw new Refused("want a vkey named like the origin", "/details/vkey");
  if (parties.isKey(parties.didOf(text))) throw new Refused(USED, "/details/vkey");
  if (parties.vkeysInForce().length >= MAX_VKEYS) {
    throw new Refused(`${MAX_VKEYS} ledger keys are in force`, "/details/vkey");
  }
}

function refuseVkeyRetirement(parties, { statement }) {
  const inForce = parties.vkeysInForce();
  if (!inForce.includes(statement.details.vkey)) throw new Refused("got a vkey that is not in force", "/details/vkey");
  if (inForce.length === 1) throw new Refused("the last ledger key cannot be retired", "/details/vkey");
}

function refuseRegistration(parties, { statement }) {
  const party = subjectParty(statement);
  if ((parties.parties.get(party) || newParty()).registered) {
    throw new Refused("this party is registered", "/subjects/0");
  }
  refuseRoles(parties, statement, party);
}

function refuseUpdate(parties, { statement }) {
  refuseRoles(parties, statement, registered(parties, statement));
}

function refuseRoles(parties, { details }, party) {
  if (details.roles.includes("operator") && party !== parties.operator) {
    throw new Refused("the operator is the party that entry 0 names, and no other", "/details/roles");
  }
  for (let parent = details.parent; parent; parent = (parties.parties.get(parent) || newParty()).parent) {
    if (parent === party) throw new Refused("a party cannot stand above itself", "/details/parent");
  }
}

function refuseSuspension(parties, { statement }) {
  const party = registered(parties, statement);
  if (party === parties.operator) throw new Refused("the operator cannot suspend itself", "/subjects/0");
  if (parties.parties.get(party).suspended) throw new Refused("this party is suspended", "/type");
}

function refuseReinstatement(parties, { statement }) {
  if (!parties.parties.get(registered(parties, statement)).suspended) {
    throw new Refused("this party is not suspended", "/type");
  }
}

function registered(parties, statement) {
  const party = subjectParty(statement);
  if (!(parties.parties.get(party) || newParty()).registered) {
    throw new Refused("this party is not registered", "/subjects/0");
  }
  return party;
}

function refuseKey(parties, { statement }) {
  const party = subjectParty(statement);
  if (!parties.known(party)) throw new Refused("this party is not registered", "/subjects/0");
  if (parties.isKey(statement.details.key)) throw new Refused(USED, "/details/key");
  if (statement.party !== party && parties.parties.get(party).keys.length) {
    throw new Forbidden("this party has a key in force and adds its next one itself", "/party");
  }
}

function refuseRevocation(parties, entry) {
  const { details } = entry.statement;
  const key = parties.keys.get(details.key);
  if (!key || key.party !== subjectParty(entry.statement)) {
    throw new Refused("got a key that was never this party's", "/details/key");
  }
  if (key.revoked === null) return;
  if (details.reason !== "compromised") throw new Refused("this key is revoked", "/details/key");
  if (key.reason === "compromised" && key.since !== null && sinceOf(entry) >= key.since) {
    throw new Refused("only an earlier time may still be said", "/details/since");
  }
}

// What an entry changes ----------------------------------------------------------------------------------------------

function partyAt(parties, party) {
  if (!parties.parties.has(party)) parties.parties.set(party, newParty());
  return parties.parties.get(party);
}

function followRegistration(parties, { statement }) {
  const { name, roles, parent = null } = statement.details;
  const others = roles.filter((role) => role !== "operator");
  Object.assign(partyAt(parties, subjectParty(statement)), { registered: true, name, roles: others, parent });
}

function followSuspension(parties, { statement }) {
  parties.parties.get(subjectParty(statement)).suspended = statement.type === "party.suspended";
}

function followKey(parties, entry) {
  const { statement, signatures } = entry;
  const [did, party] = [statement.details.key, subjectParty(statement)];
  const signers = signatures.map(({ key }) => key).filter((key) => key !== did);
  partyAt(parties, party).keys.push(did);
  parties.keys.set(did, newKey(party, entry, signers, statement.party !== party));
}

function followRevocation(parties, entry) {
  const { details } = entry.statement;
  const key = parties.keys.get(details.key);
  if (key.revoked === null) {
    key.revoked = entry.index;
    const holder = parties.parties.get(key.party);
    holder.keys = holder.keys.filter((did) => did !== details.key);
  }
  key.reason = details.reason;
  if (details.reason === "compromised" || has(details, "since")) {
    const since = sinceOf(entry);
    if (key.since === null || since < key.since) Object.assign(key, { since, told: entry.index });
  }
}

function sinceOf({ statement, recorded_at }) {
  const { details } = statement;
  return has(details, "since") ? formatRecorded(parseOccurred(details.since)) : recorded_at;
}

const REFUSE = new Map([
  ["ledger.key_added", refuseVkey],
  ["ledger.key_retired", refuseVkeyRetirement],
  ["party.registered", refuseRegistration],
  ["party.updated", refuseUpdate],
  ["party.suspended", refuseSuspension],
  ["party.reinstated", refuseReinstatement],
  ["key.added", refuseKey],
  ["key.revoked", refuseRevocation],
]);
const FOLLOW = new Map([
  ["ledger.key_added", (parties, { statement }) => parties.vkeys.set(statement.details.vkey, null)],
  ["ledger.key_retired", (parties, { statement, index }) => parties.vkeys.set(statement.details.vkey, index)],
  ["party.registered", followRegistration],
  ["party.updated", followRegistration],
  ["party.suspended", followSuspension],
  ["party.reinstated", followSuspension],
  ["key.added", followKey],
  ["key.revoked", followRevocation],
]);

// Doubt --------------------------------------------------------------------------------------------------------------

/** The indexes of those entries that were signed by a key that was compromised at the time, as ledger/doubt.py. */
export function doubtful(entries, parties) {
  const since = new Map();
  for (const [did, key] of [...parties.keys].sort(([, one], [, other]) => one.index - other.index)) {
    const vouched = key.signers.some((signer) => since.has(signer) && key.addedAt >= since.get(signer));
    const causes = [...(key.since === null ? [] : [key.since]), ...(vouched ? [key.addedAt] : [])].sort();
    if (causes.length) since.set(did, causes[0]);
  }
  const isDoubtful = ({ signatures, recorded_at }) =>
    signatures.some(({ key }) => since.has(key) && recorded_at >= since.get(key));
  return entries.filter(isDoubtful).map(({ index }) => index);
}

/** Whether this is a key of a type that this version does not know. */
export function isStrangeKey(did) {
  try {
    parseDid(did);
  } catch (error) {
    if (!(error instanceof PatinaError)) throw error;
    return error instanceof Unknown;
  }
  return false;
}
