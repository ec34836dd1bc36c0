// Runs in a page of the tests: gives cases to the check in the browser and says its verdicts as tests/judged.py does.

import { parseHistory } from "./bundle.js";
import { openCrypto } from "./crypto.js";
import { Disproved, Malformed, Unknown } from "./errors.js";
import { bytesOf, hexOf, parseBase64 } from "./forms.js";
import { checkHistory } from "./history.js";
import { parseVkey } from "./note.js";
import { checkReceipt, parseReceipt } from "./receipt.js";
import { parsePolicy } from "./trust.js";
import { TYPES } from "./types.js";

const crypto = await openCrypto();
const vkeysOf = (texts) => Promise.all(texts.map((text) => parseVkey(text, crypto.sha256)));

async function askedOf(asked) {
  const { kept, policy, secret } = asked;
  return {
    ...asked,
    now: BigInt(asked.now),
    vkeys: await vkeysOf(asked.vkeys),
    secret: secret && bytesOf(secret),
    policy: policy && (await parsePolicy(policy, crypto.sha256)),
    kept: kept && { ...kept, size: BigInt(kept.size), receipts: new Map(kept.receipts) },
    files: new Map(asked.files.map(([digest, content]) => [digest, parseBase64(content)])),
  };
}

async function judge({ kind, document, asked }) {
  if (kind === "receipt") {
    const receipt = parseReceipt(document);
    return { proved: (await checkReceipt(receipt, await vkeysOf(asked.vkeys), crypto)).hash };
  }
  const bundle = parseHistory(document);
  const found = await checkHistory(bundle, await askedOf(asked), crypto);
  return {
    proved: found.entries.length,
    as_of: found.asOf,
    stale: found.stale,
    witnessed_at: found.witnessedAt === null ? null : String(found.witnessedAt),
    hashes: found.hashes,
    doubtful: found.doubtful,
    untold: found.unknown.length,
    disclosed: Object.fromEntries([...found.disclosed].map(([id, members]) => [id, Object.fromEntries(members)])),
    vkeys: found.vkeys,
  };
}

async function verdict(one) {
  try {
    return await judge(one);
  } catch (error) {
    if (error instanceof Disproved) return { check: error.check, index: error.index };
    if (error instanceof Unknown) return { unknown: true };
    if (error instanceof Malformed) return { malformed: true };
    return { fault: String(error.stack) };
  }
}

async function verdicts(cases) {
  const said = [];
  for (const one of cases) said.push(await verdict(one));
  return said;
}

/** Whether each `[key, signature, message]` in hex verifies. */
const verifyAll = (all) => Promise.all(all.map((one) => crypto.verifies(...one.map(bytesOf))));

/** The hash of each text of hex digits, in hex. */
const hashAll = (all) => Promise.all(all.map(async (hex) => hexOf(await crypto.sha256(bytesOf(hex)))));

/** The table of types as ledger.types.describe() gives it. */
function describe() {
  const said = (shapes) => Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, shape.says]));
  return [...TYPES.values()].map((row) => ({
    type: row.name, kinds: row.kinds, who: row.who, on_behalf: row.behalf, outside: row.outside, second: row.second,
    subjects: row.subjects, required: said(row.required), optional: said(row.optional),
  }));
}

window.check = { path: crypto && crypto.path, verdicts, verifyAll, hashAll, describe };
