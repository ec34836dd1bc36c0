// A live audit: the browser reads the log and hashes all of it again. The server gives bytes and no verdict.
//
// In order: the checkpoint's signature by a key that the auditor pinned (or, if she pinned none, by one that the server
// names, which is said); that the log which an earlier audit here proved has only grown; every entry's hash, where she
// may read entries; every leaf hash up to the root; and the tiles of the upper levels.

import { $, el, explained, message, show, technical } from "./draw.js";
import { number, say } from "./words.js";
import { ask } from "./wire.js";
import { PatinaError, checkCheckpoint, checkConsistency, hexOf, openCrypto, parseVkey, proofAt, textAt } from "./ledger_checks.js";
import { keepAudit, lastAudit } from "./ledger_kept.js";
import { Growing, entriesAt, hashed, hashesAt, same, tilesOf } from "./ledger_tiles.js";
import { rehashed } from "./ledger_health.js";

const LOOK = 2000;
const DENIED = [401, 403];

/** What the audit found to be wrong. */
class Wrong extends Error {}

function step(text, right = true) {
  $("[data-steps]").append(el("li", {}, el("span", { class: `pill ${right ? "good" : "note"}` }, right ? say("right") : say("left_out")), " ", text));
}

function went(stage, done, size) {
  $("[data-stage]").textContent = stage;
  $("#progress").value = size ? done / size : 1;
  $("[data-count]").textContent = say("of", { done: number(done), size: number(size) });
}

/** The checkpoint, its signature checked; says by whose word the key is the ledger's. */
async function checkpointOf(asked, crypto) {
  const keys = JSON.parse(await textAt("/v1/log/keys"));
  const texts = asked ? [asked] : keys.keys.map((one) => one.vkey);
  const vkeys = await Promise.all(texts.map((text) => parseVkey(text, crypto.sha256)));
  const found = await checkCheckpoint(await textAt("/checkpoint"), vkeys, asked ? vkeys[0].name : keys.origin, crypto.verifies);
  step(say(asked ? "step_signed" : "step_signed_here", { size: number(found.size) }));
  return found;
}

async function growth(checkpoint, kept, crypto) {
  if (!kept?.proved) return step(say("step_first"), false);
  const older = { size: BigInt(kept.proved.size), root: kept.proved.root };
  if (checkpoint.size < older.size) throw new Wrong(say("wrong_shorter", { old: older.size, size: checkpoint.size }));
  const proof = older.size === checkpoint.size ? [] : await proofAt(`/v1/log/proof/consistency?old=${older.size}&new=${checkpoint.size}`);
  await checkConsistency(crypto.sha256, older, checkpoint, proof);
  return step(say("step_grown", { old: number(older.size) }));
}

/** The entries of a tile hash to its hashes; false if this reader may not see entries. */
async function entriesMatch(n, hashes, crypto) {
  let entries;
  try {
    entries = await entriesAt(n, hashes.length);
  } catch (error) {
    if (DENIED.includes(error.status)) return false;
    throw error;
  }
  for (const [at, entry] of entries.entries()) {
    if (!same(await hashed(crypto.sha256, 0, entry), hashes[at])) throw new Wrong(say("wrong_entry", { index: n * 256 + at }));
  }
  return true;
}

async function leaves(checkpoint, crypto) {
  const size = Number(checkpoint.size);
  const tree = new Growing(crypto.sha256);
  let read = true;
  for (const [n, width] of tilesOf(size)) {
    const hashes = await hashesAt(0, n, width);
    read &&= await entriesMatch(n, hashes, crypto);
    for (const hash of hashes) await tree.add(hash);
    went(say("stage_leaves"), tree.size, size);
  }
  step(say(read ? "step_entries" : "step_entries_denied"), read);
  if (hexOf(await tree.root()) !== checkpoint.root) throw new Wrong(say("wrong_root"));
  step(say("step_root", { root: checkpoint.root }));
  return tree;
}

async function upper(tree) {
  for (const [level, nodes] of tree.levels.entries()) {
    for (const [n, width] of tilesOf(nodes?.length ?? 0)) {
      const hashes = await hashesAt(level, n, width);
      if (!hashes.every((hash, at) => same(hash, nodes[n * 256 + at]))) throw new Wrong(say("wrong_tile", { level, n }));
    }
  }
  step(say("step_tiles"));
}

/** Audit, keep what came out, and say it. */
async function audit(asked) {
  const crypto = await openCrypto();
  if (!crypto) return verdict("bad", say("no_crypto"));
  const kept = lastAudit();
  let checkpoint = null;
  try {
    checkpoint = await checkpointOf(asked, crypto);
    await growth(checkpoint, kept, crypto);
    await upper(await leaves(checkpoint, crypto));
  } catch (error) {
    const found = error instanceof Wrong;
    if (!found && !(error instanceof PatinaError)) return verdict("bad", say("audit_broken"), error.message);
    const why = found ? error.message : say("wrong_proof");
    keepAudit({ at: new Date().toISOString(), size: String(checkpoint?.size ?? "–"), proved: kept?.proved ?? null, vkey: asked || (kept?.vkey ?? ""), wrong: why });
    return verdict("bad", say("verdict_wrong", { why }), found ? "" : error.message);
  }
  const proved = { size: String(checkpoint.size), root: checkpoint.root };
  const remembered = keepAudit({ at: new Date().toISOString(), size: proved.size, proved, vkey: asked, wrong: null });
  return verdict("good", say("verdict_right", { size: number(checkpoint.size) }) + (remembered ? "" : ` ${say("not_kept")}`));
}

function verdict(tone, text, detail = "") {
  const node = $("[data-verdict]");
  node.className = `banner ${tone}`;
  node.replaceChildren(text, ...(detail ? [technical(detail)] : []));
  show(node);
  node.focus();
}

async function watch() {
  const { ok, body } = await ask("GET", "/v1/log/health");
  if (!ok) return message("", "bad", explained(body));
  const { running } = body.rehash;
  $("[data-rehash]").replaceChildren(...rehashed(body.rehash));
  show($("[data-rehash-progress]"), Boolean(running));
  if (running) $("[data-rehash-progress]").value = running.size ? running.done / running.size : 1;
}

export async function start() {
  const form = $("[data-audit]");
  const vkey = form.elements.vkey;
  const named = () => ($("[data-vkey]").textContent = vkey.value.trim() || say("vkey_place"));
  vkey.value = lastAudit()?.vkey ?? "";
  vkey.addEventListener("input", named);
  named();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $("button", form);
    button.disabled = true;
    show($("[data-verdict]"), false);
    $("[data-steps]").replaceChildren();
    show($("[data-running]"));
    await audit(vkey.value.trim());
    show($("[data-running]"), false);
    button.disabled = false;
  });
  await watch();
  setInterval(watch, LOOK);
}
