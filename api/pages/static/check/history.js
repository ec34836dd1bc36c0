// History bundles: everything that was said about one subject, and proof that it is everything (format.md §7).
//
// `checkHistory` makes the numbered checks of §7 in the order of ledger/history.py and stops at the first that fails;
// both programs give the same verdict, with the same number, on every vector. Only what it returns may be shown as
// verified. Nothing here asks a server for anything.

import { openDisclosures } from "./disclosures.js";
import { Disproved, Invalid, Malformed, Refused, PatinaError } from "./errors.js";
import { DAY, hexOf, parseRecorded } from "./forms.js";
import { holderDid } from "./holderkey.js";
import { isSeal, parseLeaf } from "./leaf.js";
import { checkConsistency, checkInclusion, leafHash } from "./merkle.js";
import { checkCheckpoint, parseVkey } from "./note.js";
import { doubtful, start } from "./party.js";
import { signatureFault } from "./replay.js";
import { Shown } from "./shown.js";
import { checkDetails, holderKey } from "./types.js";

/** What the bundle proves to this reader; throws `Disproved` with the number of the check that failed, or `Unknown`.
 *
 * `asked` is `{subject, vkeys, now}`, vkeys parsed, now in microseconds as a BigInt, and may have `policy`
 * (as trust.js parses it: a page has none), `secret` (16 bytes of an owner code), `files` (a Map of sha256 in hex to
 * bytes), `kept` (`{size, root, count, receipts}`, size a BigInt, receipts a Map of leaf hash to index) and
 * `consistency` (hashes in hex, from the kept tree on).
 */
export async function checkHistory(bundle, asked, crypto) {
  const { sha256, verifies } = crypto;
  const checkpoint = await check(1, () => checkCheckpoint(bundle.checkpoint, asked.vkeys, bundle.origin, verifies));
  // A fork is told before anything that this version may not know.
  const unknown = await check(12, () => checkGrowth(checkpoint, asked, sha256));
  const witnessedAt = await check(2, () => (asked.policy ? asked.policy.timeOf(bundle.checkpoint, verifies) : null));
  const seal = await check(3, () => checkTail(bundle, checkpoint, sha256));
  const { first, firstHash, fold } = await check(3, () => checkFirst(bundle, checkpoint, crypto));
  const shown = await check(4, () => new Shown(bundle, checkpoint, crypto));
  await shown.hash();
  await check(4, () => shown.checkMap(seal.map_root));
  await check(5, () => shown.checkLast());
  await check(7, () => shown.parse());
  await check(6, () => shown.checkChains(seal));
  await check(6, () => shown.checkPlaces(first, firstHash, seal));
  await check(7, () => shown.checkLedger(firstHash));
  const parties = fold(await vkeysIn(shown, first, sha256));
  await check(8, () => shown.checkAuthorities(parties));
  const replay = await check(8, () => shown.replay(parties));
  await check(3, () => checkPinned(bundle, asked, parties, verifies));
  const entries = shown.entries.get(bundle.subject);
  const hashes = shown.hashes.get(bundle.subject);
  const disclosed = await check(9, () => checkDisclosed(bundle, entries, sha256));
  await check(10, () => checkFiles(entries, asked.files || new Map(), sha256));
  await check(11, () => checkAsked(bundle, entries, asked, crypto));
  await check(12, () => checkKept(entries, hashes, asked.kept));
  const stale = asked.now - parseRecorded(seal.recorded_at) > DAY;
  const proved = { subject: bundle.subject, checkpoint, asOf: seal.recorded_at, stale, witnessedAt, entries, hashes };
  const marks = { doubtful: doubtful(entries, parties), unknown: [...replay.unknown, ...unknown] };
  return { ...proved, ...marks, replay, disclosed, vkeys: parties.vkeysInForce() };
}

/** What `make` gives; every error in it is a failure of this check, but for what this version does not know. */
async function check(number, make) {
  try {
    return await make();
  } catch (error) {
    if (error instanceof Disproved) throw new Disproved(error.message, number, error.index);
    const failed = [Malformed, Invalid, Refused].some((kind) => error instanceof kind);
    throw failed ? new Disproved(error.message, number) : error;
  }
}

async function checkTail({ tail }, { size, root }, sha256) {
  const seal = parseLeaf(tail.entry);
  if (!isSeal(seal) || BigInt(seal.index) !== size - 1n) {
    throw new Malformed("the tail is not a seal at the end of the log");
  }
  await checkInclusion(sha256, size - 1n, size, await leafHash(sha256, tail.entry), tail.proof, root);
  return seal;
}

/** Entry 0 and its leaf hash, and what makes the table of parties from it, given the vkeys that are named. */
async function checkFirst({ first: proved }, checkpoint, { sha256, verifies }) {
  const first = parseLeaf(proved.entry);
  if (isSeal(first)) throw new Malformed("entry 0 is a seal");
  const firstHash = await leafHash(sha256, proved.entry);
  await checkInclusion(sha256, 0n, checkpoint.size, firstHash, proved.proof, checkpoint.root);
  const { statement } = first;
  checkDetails(statement.type, statement.details);
  const fold = (vkeys) => start(first, firstHash, vkeys);
  const { origin } = fold(await parsedVkeys([statement.details.vkey], sha256));
  if (origin !== checkpoint.origin) throw new Malformed("entry 0 names another origin than the checkpoint");
  const fault = await signatureFault(first, verifies);
  if (fault) throw fault;
  return { first, firstHash, fold };
}

/** By its text, each vkey that an entry names: parsed, or the error that this raised. */
function vkeysIn(shown, first, sha256) {
  const entries = [first, ...[].concat(...shown.entries.values())];
  return parsedVkeys(entries.map(({ statement }) => statement.details.vkey), sha256);
}

async function parsedVkeys(texts, sha256) {
  const parse = (text) => parseVkey(text, sha256).catch((error) => {
    if (error instanceof PatinaError) return error;
    throw error;
  });
  const named = [...new Set(texts)].filter((text) => typeof text === "string");
  return new Map(await Promise.all(named.map(async (text) => [text, await parse(text)])));
}

async function checkPinned(bundle, { vkeys }, parties, verifies) {
  const inForce = parties.vkeysInForce();
  const named = vkeys.filter(({ text }) => inForce.includes(text));
  if (!named.length) {
    throw new Malformed("the pinned vkey is none that the ledger's own history names and has not retired");
  }
  // A reader may pin several: one that the ledger never had, or has retired, vouches for nothing.
  await checkCheckpoint(bundle.checkpoint, named, bundle.origin, verifies);
}

async function checkDisclosed({ disclosures }, entries, sha256) {
  const statements = new Map(entries.map(({ statement }) => [statement.id, statement]));
  const disclosed = new Map();
  for (const [id, texts] of Object.entries(disclosures)) {
    if (!statements.has(id)) throw new Malformed("got disclosures of a statement that is not in this history");
    disclosed.set(id, await openDisclosures(sha256, statements.get(id)._sd || [], texts));
  }
  return disclosed;
}

async function checkFiles(entries, files, sha256) {
  const all = [].concat(...entries.map(({ statement }) => statement.attachments || []));
  const listed = new Map(all.map((file) => [file.sha256, file]));
  for (const [digest, content] of files) {
    const file = listed.get(digest);
    if (!file) throw new Malformed("got an attachment that no entry of this history lists");
    if (hexOf(await sha256(content)) !== digest || content.length !== file.size) {
      throw new Malformed(`the attachment ${file.name} is not the one that was recorded`);
    }
  }
}

async function checkAsked({ subject }, entries, asked, crypto) {
  if (subject !== asked.subject) throw new Malformed(`got the history of ${subject}, asked for ${asked.subject}`);
  if (asked.secret) {
    const did = await holderDid(crypto, asked.secret, subject);
    if (!entries.some(({ statement }) => holderKey(statement) === did)) {
      throw new Malformed("the owner code's key never held this item");
    }
  }
}

/** What could not be told for want of a consistency proof; throws if the log is not the one that was kept, grown. */
async function checkGrowth(checkpoint, { kept, consistency }, sha256) {
  if (!kept) return [];
  if (checkpoint.size < kept.size) throw new Malformed(`got a log of ${checkpoint.size} leaves, it had ${kept.size}`);
  if (checkpoint.size !== kept.size && !consistency) {
    return ["that the log extends the one that was kept: no proof given"];
  }
  await checkConsistency(sha256, kept, checkpoint, consistency || []);
  return [];
}

function checkKept(entries, hashes, kept) {
  if (!kept) return;
  if (entries.length < kept.count) throw new Malformed(`got ${entries.length} entries, there were ${kept.count}`);
  for (const [hash, index] of kept.receipts || []) {
    const at = hashes.indexOf(hash);
    if (at < 0 || entries[at].index !== index) {
      throw new Disproved("a receipt that was handed out is missing from a complete history: keep both", 12, index);
    }
  }
}
