// Checks 4 to 8 of a history bundle: the map, the last entries, the chains, the forms, who spoke, as ledger/shown.py.

import { Disproved, Malformed } from "./errors.js";
import { ZERO_HASH, authorityOf, subjectKind } from "./forms.js";
import { isSeal, parseLeaf } from "./leaf.js";
import { checkInclusion, checkMap, leafHash } from "./merkle.js";
import { Replay, isRefusal, signatureFault } from "./replay.js";

/** The histories of a bundle, whose checkpoint, tail and entry 0 are checked already. */
export class Shown {
  constructor(bundle, checkpoint, crypto) {
    Object.assign(this, { bundle, checkpoint, crypto, parts: new Map(), hashes: new Map(), entries: new Map() });
    for (const part of bundle.histories) {
      if (this.parts.has(part.subject)) throw new Malformed("got a history twice");
      this.parts.set(part.subject, part);
    }
    if (bundle.histories[0].subject !== bundle.subject) throw new Malformed("the first history is not the subject's");
  }

  /** The leaf hashes of everything that is shown, which the checks below rest on. */
  hash() {
    return inOrder(this.parts, async ([subject, { entries }]) => {
      this.hashes.set(subject, await Promise.all(entries.map((text) => leafHash(this.crypto.sha256, text))));
    });
  }

  /** (4) Each map proof reaches the root, and as many entries are shown as the map counts. */
  checkMap(root) {
    return inOrder(this.parts, async ([subject, { map, entries }]) => {
      const [count] = await checkMap(this.crypto.sha256, root, subject, map);
      if (entries.length !== count) throw new Malformed(`got ${entries.length} entries, the map counts ${count}`);
    });
  }

  /** (5) The last entry of each history stands in the tree at the index that the map names. */
  checkLast() {
    const { size, root } = this.checkpoint;
    return inOrder(this.parts, async ([subject, { map, last_proof }]) => {
      if (map.last !== null) {
        const [last] = this.hashes.get(subject).slice(-1);
        await checkInclusion(this.crypto.sha256, BigInt(map.last), size, last, last_proof, root);
      } else if (last_proof.length) {
        throw new Malformed("got a proof of an entry of an absent subject, want none");
      }
    });
  }

  /** (7) Each entry is canonical with exactly its members, and each subject in its one spelling. */
  parse() {
    for (const [subject, part] of this.parts) {
      subjectKind(subject);
      const entries = part.entries.map(parseLeaf);
      if (entries.some(isSeal)) throw new Malformed("got a seal among the entries");
      this.entries.set(subject, entries);
    }
  }

  /** (6) Each entry hashes to the `prev` of the next; `seq`, index and time fall to the first. */
  checkChains(seal) {
    const [ids, indexes] = [new Map(), new Map()];
    const isOne = (seen, name, hash) => seen.set(name, seen.get(name) || hash).get(name) === hash;
    for (const [subject, entries] of this.entries) {
      const hashes = this.hashes.get(subject);
      entries.forEach((entry, seq) => {
        const refuse = (what) => new Disproved(`${subject}: ${what} at seq ${seq}`, 6, entry.index);
        const link = entry.links.find((one) => one.subject === subject);
        const prev = seq ? hashes[seq - 1] : null;
        if (!link || link.seq !== seq || link.prev !== prev) throw refuse("the chain is broken");
        const before = entries[seq - 1];
        if (before && (before.index >= entry.index || before.recorded_at > entry.recorded_at)) {
          throw refuse("index or time goes back");
        }
        if (!isOne(indexes, entry.index, hashes[seq])) throw refuse("got two entries of one index");
        if (!isOne(ids, entry.statement.id, hashes[seq])) throw refuse("got two entries of one statement id");
      });
      const [last] = entries.slice(-1);
      if (last && (last.index !== this.parts.get(subject).map.last || last.recorded_at > seal.recorded_at)) {
        throw new Disproved(`${subject}: the last entry is not the one that the map names`, 6, last.index);
      }
    }
  }

  /** (6) Whatever is shown could stand in one log: time goes on, neighbours name each other, nothing is left out. */
  checkPlaces(first, firstHash, seal) {
    const shown = new Map([[0, [first, firstHash]], ...this.every()]);
    if (shown.get(0)[1] !== firstHash) throw new Disproved("got two entries of one index", 6, 0);
    shown.set(seal.index, [seal, ""]);
    let [before, lastHash, recordedAt] = [-1, ZERO_HASH, ""];
    for (const [index, [one, hash]] of sorted(shown)) {
      if (one.recorded_at < recordedAt || (index === before + 1 && one.prev !== lastHash)) {
        throw new Disproved("time goes back, or the leaf before is another one than shown", 6, index);
      }
      if (index === 1 && one !== seal) throw new Disproved("leaf 1 is not a seal", 6, index);
      for (const { subject, seq } of one.links || []) {
        const history = this.hashes.get(subject);
        if (history && history[seq] !== hash) {
          throw new Disproved(`${subject}: an entry is not in its history`, 6, index);
        }
      }
      [before, lastHash, recordedAt] = [index, hash, one.recorded_at];
    }
  }

  /** Every entry that is shown and its leaf hash, by index. */
  every() {
    const shown = new Map();
    for (const [subject, entries] of this.entries) {
      entries.forEach((entry, seq) => shown.set(entry.index, [entry, this.hashes.get(subject)[seq]]));
    }
    return shown;
  }

  /** (7) Every statement but entry 0's is written for this ledger, and entry 0 is one. */
  checkLedger(ledger) {
    for (const entry of [].concat(...this.entries.values())) {
      if (entry.statement.ledger !== (entry.index ? ledger : undefined)) {
        throw new Disproved("got a statement written for another ledger", 7, entry.index);
      }
    }
  }

  /** (8) Shown are the authorities of whoever signed, of the operator, and the ledger subject, and no more. */
  checkAuthorities({ operator, ledgerSubject }) {
    const signed = this.entries.get(this.bundle.subject).filter(({ statement }) => statement.grant === undefined);
    const parties = [operator, ...signed.map(({ statement }) => statement.party)];
    const wanted = new Set([this.bundle.subject, ledgerSubject, ...parties.map(authorityOf)]);
    if (wanted.size !== this.parts.size || ![...wanted].every((subject) => this.parts.has(subject))) {
      throw new Malformed("got histories of other subjects than the check needs");
    }
  }

  /** (8) Every entry, in index order, verified and judged by the state before it. */
  async replay(parties) {
    const shown = sorted(this.every());
    const verifying = shown.map(async ([, [entry]]) => [entry, await signatureFault(entry, this.crypto.verifies)]);
    const replay = new Replay(parties, this.parts, new Map(await Promise.all(verifying)));
    for (const [index, [entry, hash]] of shown) {
      try {
        if (index === 0) replay.begin(entry, hash);
        else replay.step(entry, hash);
      } catch (error) {
        throw isRefusal(error) ? new Disproved(`${error.pointer} ${error.message}`.trim(), 8, index) : error;
      }
    }
    return replay;
  }
}

const sorted = (shown) => [...shown].sort(([one], [other]) => one - other);

/** Make a check of each at once; throws what the first of them, in their order, threw. */
async function inOrder(each, make) {
  const settled = await Promise.allSettled([...each].map(make));
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
}
