// Receipts: proof that one entry, so signed, stands in the log, in C2SP tlog-proof (format.md §7), as
// ledger/receipt.py.

import { Disproved, Invalid, Malformed, PatinaError } from "./errors.js";
import { hexOf, parseBase64, utf8 } from "./forms.js";
import { checkRules, parse } from "./json.js";
import { isSeal, isText, needMembers, parseLeaf } from "./leaf.js";
import { checkInclusion, leafHash } from "./merkle.js";
import { checkCheckpoint, parseDecimal } from "./note.js";
import { signatureFault } from "./replay.js";

const MAX_RECEIPT = 262_144;
const MAX_TEXT = 65_536 + 8192;
const MAX_PROOF = 63;
const HEADER = "c2sp.org/tlog-proof@v1";

/** The receipt that this JSON text is; throws `Malformed`. */
export function parseReceipt(text) {
  if (utf8(text).length > MAX_RECEIPT) throw new Malformed("got a receipt that is too long");
  const receipt = parse(text);
  checkRules(receipt);
  return needMembers(receipt, { id: isText, index: Number.isInteger, entry: isText, proof: isText });
}

/** The entry, its leaf hash and the checkpoint that a receipt proves to a reader who pinned these vkeys.
 *
 * Throws `Disproved`: (1) the checkpoint, (5) inclusion, (7) form, `id` and `index`, (8) signatures; or `Unknown`.
 */
export async function checkReceipt(receipt, vkeys, { sha256, verifies }) {
  const { index } = receipt;
  const { proof, checkpoint } = await check(1, index, async () => {
    const parsed = parseProof(receipt.proof);
    return { proof: parsed, checkpoint: await checkCheckpoint(parsed.checkpoint, vkeys, vkeys[0].name, verifies) };
  });
  const hash = await leafHash(sha256, receipt.entry);
  await check(5, index, async () => {
    if (proof.index !== BigInt(index)) throw new Malformed("got a proof for another index");
    await checkInclusion(sha256, proof.index, checkpoint.size, hash, proof.hashes, checkpoint.root);
    if (index === 1 || BigInt(index) === checkpoint.size - 1n) throw new Malformed("got an entry where a seal stands");
  });
  const entry = await check(7, index, () => {
    const leaf = parseLeaf(receipt.entry);
    if (isSeal(leaf) || leaf.index !== index || leaf.statement.id !== receipt.id) {
      throw new Malformed("the receipt's id and index are not its entry's");
    }
    return leaf;
  });
  const fault = await signatureFault(entry, verifies);
  if (fault) throw fault;
  return { entry, hash, checkpoint };
}

async function check(number, index, make) {
  try {
    return await make();
  } catch (error) {
    const failed = [Malformed, Invalid, Disproved].some((kind) => error instanceof kind);
    throw failed && error instanceof PatinaError ? new Disproved(error.message, number, index) : error;
  }
}

/** The `{index, hashes, checkpoint}` of a tlog-proof text; throws `Malformed`. */
function parseProof(text) {
  if (utf8(text).length > MAX_TEXT) throw new Malformed("got a proof that is too long");
  const end = text.indexOf("\n\n");
  const checkpoint = end < 0 ? "" : text.slice(end + 2);
  const lines = text.slice(0, Math.max(end, 0)).split("\n");
  if (!checkpoint || lines.shift() !== HEADER) throw new Malformed("got no proof with a checkpoint");
  if (lines.length && lines[0].startsWith("extra ")) line(lines.shift().slice(6));
  if (!lines.length || !lines[0].startsWith("index ")) throw new Malformed("got a proof without its line 'index'");
  const index = parseDecimal(lines.shift().slice(6));
  if (lines.length > MAX_PROOF) throw new Malformed("got a proof of too many hashes");
  const hashes = lines.map((one) => hexOf(line(one)));
  if (!hashes.every((hash) => hash.length === 64)) throw new Malformed("got a hash that has not 32 bytes");
  return { index, hashes, checkpoint };
}

function line(text) {
  if (text === "") throw new Malformed("got an empty line in a proof, want base64");
  return parseBase64(text);
}
