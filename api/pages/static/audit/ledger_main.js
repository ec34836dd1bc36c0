// The one script of the auditor's and operator's pages: who is here, and then the page itself.

import { $, fitting, message, show } from "./draw.js";
import { say } from "./words.js";
import { ask, Offline, session } from "./wire.js";

const MODULES = { health: "health", audit: "audit", tree: "tree", reports: "reports", risks: "risks" };
const page = document.body.dataset.page;

async function start() {
  fitting();
  const who = await session();
  if (!who) {
    location.replace(`/console/door?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  $("[data-who]").textContent = who.name;
  show($("[data-leave]"));
  $("[data-leave]").addEventListener("click", async () => {
    await ask("DELETE", "/v1/session");
    location.assign("/console/door");
  });
  const module = await import(`./ledger_${MODULES[page] ?? "table"}.js`);
  await module.start(who);
  document.body.dataset.ready = "";
}

start().catch((error) => {
  message(say("failed"), "bad");
  document.body.dataset.ready = "";
  if (!(error instanceof Offline)) throw error;
});
