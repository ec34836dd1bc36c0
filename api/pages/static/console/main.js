// The console's one script: who is here, what this page cannot do, what waits to be sent, and then the page itself.

import { $, $$, el, fitting, message, show } from "./draw.js";
import { say, told } from "./words.js";
import { ask, Offline, session } from "./wire.js";
import { know, known } from "./store.js";
import { send, watch } from "./queue.js";
import { follow, keyHere } from "./tablet.js";
import { all } from "./store.js";
import { offer, canScan } from "./scan.js";

const page = document.body.dataset.page;
const PAGES = { lists: "lists", door: "door", find: "find", item: "item", case: "case", queue: "waiting", register: "register" };
const RETRY = 15_000;

/** Whether this is the address that the service knows itself by, or one of this very machine: nobody comes in by others. */
function atHome() {
  return new URL(`//${told.host}`, location.href).host === location.host || /^((.+\.)?localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname);
}

/** Say plainly what this page cannot do, each found by trying and never by the browser's name. */
function limits() {
  const lacking = [
    window.isSecureContext ? null : "limit_plain",
    window.isSecureContext && !atHome() ? "limit_address" : null,
    canScan() ? null : "limit_camera",
    "serviceWorker" in navigator ? null : "limit_worker",
    crypto.subtle ? null : "limit_crypto",
    "indexedDB" in window ? null : "limit_store",
  ].filter(Boolean);
  const box = $("[data-limits]");
  $("ul", box).replaceChildren(...lacking.map((one) => Object.assign(document.createElement("li"), { textContent: say(one, { host: told.host }) })));
  // A browser without a reader of codes is no news on a page where everything else works.
  show(box, lacking.some((one) => one !== "limit_camera") || (page === "find" && lacking.length > 0));
}

async function queued() {
  const records = await all();
  const link = $("[data-queue]");
  link.textContent = say("queue_count", { n: records.length });
  show(link, records.length > 0);
}

function shortcuts() {
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "/" && !typing) {
      event.preventDefault();
      $("#quick").focus();
    }
    const flow = event.altKey && /^[1-9]$/.test(event.key) ? told.flows[event.key - 1] : null;
    if (flow) {
      event.preventDefault();
      location.assign(`/console/${flow}`);
    }
  });
  $("[data-quick]").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("#quick").value.trim();
    if (!text) return;
    location.assign(`/console/find#text=${encodeURIComponent(text)}`);
    if (page === "find") location.reload();
  });
}

/** Say that there is no network, and whether what is recorded now is signed here. */
async function offline(who) {
  const signs = who && (await keyHere(who));
  $("[data-offline]").textContent = say(signs ? "offline_signed" : "offline");
  show($("[data-offline]"));
}

/** Who is here: by the session, or without a network whoever came in last. */
async function whoIsHere() {
  try {
    const me = await session();
    if (me) {
      const { party, person, agent, name, role } = me;
      await know("me", { party, person, agent, name, role });
      await follow(me);
      return me;
    }
    await know("me", null);
    return null;
  } catch (error) {
    if (!(error instanceof Offline)) throw error;
    const last = (await known("me")) ?? null;
    await offline(last);
    return last;
  }
}

function greet(who) {
  $("[data-who]").textContent = who.name;
  const leave = $("[data-leave]");
  show(leave);
  leave.addEventListener("click", async () => {
    await know("me", null);
    await ask("DELETE", "/v1/session").catch(() => null);
    location.assign("/console/door");
  });
  for (const link of $$("[data-flow]")) show(link, told.roles[who.role]?.includes(link.dataset.flow) ?? false);
}

/** Send what waits, now, whenever the network is back, and every quarter of a minute while something waits. */
function sending(who) {
  const trying = async () => {
    if (!(await all()).length) return;
    const here = await session().catch(() => undefined);
    if (here === null) message(say("sign_in_again"), "note", [" ", el("a", { href: "/console/door" }, say("door"))]);
    if (here && here.agent === who.agent) {
      show($("[data-offline]"), false);
      await send(who);
    }
  };
  window.addEventListener("online", trying);
  window.addEventListener("offline", () => offline(who));
  setInterval(trying, RETRY);
  return trying();
}

async function start() {
  limits();
  shortcuts();
  fitting();
  if ("serviceWorker" in navigator) {
    const mark = new URL(import.meta.url).pathname.split("/").at(-2);
    const asked = new URLSearchParams({ mark, modules: told.modules.split("/").at(-2), reader: told.reader });
    navigator.serviceWorker.register(`/console/worker.js?${asked}`, { scope: "/console" }).catch(() => null);
  }
  const who = page === "door" ? null : await whoIsHere();
  if (page !== "door" && !who) {
    location.replace(`/console/door?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  if (who) {
    greet(who);
    watch(queued);
    await queued();
    sending(who);
  }
  offer();
  const module = await import(`./${PAGES[page] ?? "flow"}.js`);
  try {
    await module.start(who);
  } catch (error) {
    if (!(error instanceof Offline)) throw error;
    await offline(who);
  }
  document.body.dataset.ready = "";
}

start().catch((error) => {
  message(say("failed"), "bad");
  throw error;
});
