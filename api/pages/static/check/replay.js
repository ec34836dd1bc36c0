// The replay of what a reader was shown: entries in index order, each judged by the state before its own index, as
// ledger/replay.py. What rests on a type, a key or a member that this version does not know is noted in `unknown`
// (format.md §9). Signatures were verified before (`verdicts`, by entry), because that takes promises.

import { checkPoint, parseDid } from "./didkey.js";
import { Disproved, Forbidden, Invalid, Malformed, PatinaError, Refused, Unknown } from "./errors.js";
import { authorityOf, joined, parseBase64, utf8 } from "./forms.js";
import { statementBytes } from "./leaf.js";
import { isStrangeKey } from "./party.js";
import { NOT_SHOWN, checkSpeak, follow, judge, passOver } from "./rule.js";
import { TYPES, checkDetails, holderKey } from "./types.js";

const PAYLOAD_TYPE = "application/vnd.patina.statement.v1+json";
const OF_KEYS = ["/signatures", "/grant", "/party"];

/** What DSSE signs: the type and the body, each with its length. */
const pae = (body) => joined(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${body.length} `), body);

/** Why an entry's signatures do not stand: a `Disproved` (check 8), an `Unknown`, or null if they do. */
export async function signatureFault({ statement, signatures, index }, verifies) {
  const message = pae(statementBytes(statement));
  const faults = await Promise.all(signatures.map(({ key, sig }) => fault(key, sig, message, verifies)));
  const wrong = faults.find((one) => one !== null && !(one instanceof Unknown));
  if (wrong) return new Disproved(wrong.message, 8, index);
  // The last one, as whoever checks them one after the other keeps it.
  return faults.reverse().find((one) => one !== null) || null;
}

async function fault(did, sig, message, verifies) {
  try {
    const key = parseDid(did);
    const signature = parseBase64(sig);
    if (signature.length !== 64) throw new Invalid("got a signature that has not 64 bytes");
    checkPoint(signature.slice(0, 32));
    if (!(await verifies(key, signature, message))) throw new Invalid("got a signature that does not verify");
  } catch (error) {
    if (error instanceof PatinaError) return error;
    throw error;
  }
  return null;
}

/** The fold of shown entries: `parties`, and the `states` of the subjects that are shown whole. */
export class Replay {
  constructor(parties, shown, verdicts) {
    Object.assign(this, { parties, shown, verdicts, states: new Map(), unknown: [] });
    this.entries = new Map();
    this.holderKeys = new Set();
    this.untold = new Untold();
  }

  /** Fold in entry 0, from which `parties` was started. */
  begin(entry, leafHash) {
    this.knowDetails(entry);
    this.keep(entry, follow(entry, leafHash, this.parties, this.before(entry)));
  }

  /** Judge the next entry, signatures and all, and fold it in; throws for one that may not stand. */
  step(entry, leafHash) {
    const before = this.before(entry);
    const found = this.verdicts.get(entry);
    if (found instanceof Unknown) {
      this.tell(entry, found.message);
    } else if (found) {
      throw found;
    }
    const known = this.knowDetails(entry);
    const { type, subjects } = entry.statement;
    try {
      if (TYPES.has(type)) judge(entry, this.parties, before, this);
      else checkSpeak(entry, this.parties, this.states.get(subjects[0]));
    } catch (error) {
      if (!(error instanceof Unknown) && !this.untold.excuses(entry, error)) throw error;
      if (known || error instanceof Unknown) this.tell(entry, error.message);
      this.passOver(entry);
      return;
    }
    if (known) {
      this.keep(entry, follow(entry, leafHash, this.parties, before));
    } else {
      this.passOver(entry);
      passOver(entry, before);
    }
  }

  /** For `judge`: an earlier entry; undefined only if its subject's whole history is shown. */
  entry(id, subject) {
    return this.entries.get(id) || (this.shown.has(subject) ? undefined : NOT_SHOWN);
  }

  /** For `judge`: the state of a subject. */
  state(subject) {
    return this.shown.has(subject) ? this.states.get(subject) : NOT_SHOWN;
  }

  /** For `judge`: whether an earlier entry named this key as a holder's. */
  holderKey(did) {
    return this.holderKeys.has(did);
  }

  tell({ index }, what) {
    this.unknown.push(`entry ${index}: ${what}`);
  }

  /** Whether the type, and the type of a key that it names, are known; what is not known is noted. */
  knowDetails(entry) {
    try {
      for (const member of checkDetails(entry.statement.type, entry.statement.details)) {
        this.tell(entry, `unknown member ${member}`);
      }
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      this.tell(entry, error.message);
      return false;
    }
    return true;
  }

  /** Leave an entry out of the fold; it stands in the log, so others may be about it. */
  passOver(entry) {
    this.untold.add(entry.statement);
    this.entries.set(entry.statement.id, entry);
  }

  before({ statement }) {
    return statement.subjects.map((subject) => this.state(subject));
  }

  keep(entry, after) {
    const { statement } = entry;
    this.entries.set(statement.id, entry);
    const named = holderKey(statement);
    if (named !== undefined) this.holderKeys.add(named);
    statement.subjects.forEach((subject, number) => {
      if (after[number] !== NOT_SHOWN) this.states.set(subject, after[number]);
    });
  }
}

/** The subjects of statements that could not be folded in, as ledger/untold.py. */
class Untold {
  constructor() {
    this.states = new Set();
    this.keys = new Set();
  }

  add({ subjects, type }) {
    for (const subject of subjects) {
      this.states.add(subject);
      if (TYPES.has(type)) this.keys.add(subject);
    }
  }

  /** Whether what a rule refused of an entry rests on something that could not be told. */
  excuses({ statement, signatures }, error) {
    if (!(error instanceof Refused)) return false;
    const { subjects, party, grant } = statement;
    if (error instanceof Forbidden && OF_KEYS.some((pointer) => error.pointer.startsWith(pointer))) {
      if (refusedKeys(signatures, error.pointer).some(isStrangeKey)) return true;
      if (grant !== undefined) return subjects.some((subject) => this.keys.has(subject));
      const about = error.pointer.startsWith("/signatures") ? [] : subjects;
      return [authorityOf(party), ...about].some((subject) => this.keys.has(subject));
    }
    return subjects.some((subject) => this.states.has(subject));
  }
}

/** The key of the signature that is pointed at, else those of all: a new key beside it excuses no stranger's. */
function refusedKeys(signatures, pointer) {
  const place = /^\/signatures\/([0-9]+)\/key$/.exec(pointer);
  return (place ? [signatures[Number(place[1])]] : signatures).map(({ key }) => key);
}

/** Whether an error says that an entry may not stand: anything else is a fault of this program. */
export const isRefusal = (error) => [Malformed, Invalid, Refused].some((kind) => error instanceof kind);
