// How the ledger is: each figure with whose word it is.

import { $, el, explained, facts, message, show, technical } from "./draw.js";
import { number, say, when } from "./words.js";
import { ask } from "./wire.js";
import { lastAudit } from "./ledger_kept.js";

const GIB = 2 ** 30;
const MINUTE = 60_000;

/** What the service says of its own walk over the leaves. */
export function rehashed({ running, last }) {
  const size = last && number(last.size);
  if (last?.wrong) return [say("rehash_wrong", { size, at: when(last.at) }), technical(last.wrong)];
  if (last) return [say("rehash_right", { size, at: when(last.at) })];
  return [running ? say("rehash_running", running) : say("rehash_none")];
}

/** What this browser's own last audit found. */
function mine() {
  const kept = lastAudit();
  if (!kept) return say("audit_none");
  return say(kept.wrong ? "audit_wrong" : "audit_right", { size: number(Number(kept.size)), at: when(kept.at), wrong: kept.wrong ?? "" });
}

export async function start() {
  const { ok, body } = await ask("GET", "/v1/log/health");
  if (!ok) return message("", "bad", explained(body));
  if (body.refusal) message(say("refuses"), "bad", [technical(body.refusal)]);
  const lag = Math.max(0, Math.round((new Date(body.now) - new Date(body.recorded_at)) / MINUTE));
  facts($("[data-newest]"), [
    [say("origin"), body.origin],
    [say("size"), number(body.size)],
    [say("statements"), number(body.statements)],
    [say("subjects"), number(body.subjects)],
    [say("root"), el("span", { class: "hash" }, body.root)],
    [say("recorded"), when(body.recorded_at)],
    [say("lag"), say("minutes", { n: number(lag) })],
  ]);
  show($("[data-no-witness]"), !body.witnesses.length);
  $("[data-witnesses]").replaceChildren(...body.witnesses.map((one) => el("li", {}, one.at ? say("witnessed", { name: one.name, at: when(one.at) }) : say("signed_by", one))));
  $("[data-mine]").textContent = mine();
  $("[data-rehash]").replaceChildren(...rehashed(body.rehash));
  show($("[data-disk]"), Boolean(body.disk));
  if (body.disk) facts($("[data-disk-facts]"), ["total", "used", "free"].map((name) => [say(`disk_${name}`), say("gib", { n: (body.disk[name] / GIB).toFixed(1) })]));
}
