// The page of the owner code: finds the item, decides what its owner can do here, and does it (docs/holders.md).
//
// The owner code (16 secret bytes behind the # of /o#…) never leaves this page: what goes to the server are the view
// code that follows from it, which opens the item, and statements that its key, or this device's own, has signed.

import { all, ask, main, moment, on, one, page, say, show, speak, word } from "./owner_page.js";
import { askErasure, complain, showCases } from "./owner_cases.js";
import { deriveSeed, deviceKeys, keyOf, makeDeviceKey } from "./owner_keys.js";
import { parseCode, parseTyped, viewToken, wayHere } from "./owner_keys.js";
import { follow, give, share } from "./owner_pass.js";
import { showRecord } from "./owner_record.js";
import { read } from "./owner_read.js";

// For programs and tests that use the same keys and signatures.
export { deriveSeed, deviceKeys, keyOf, parseCode, parseTyped, viewToken } from "./owner_keys.js";
export { sign, signAsking } from "./owner_says.js";
export { encode as canonical } from "./json.js";
export { formatBase64url as base64url } from "./forms.js";

page.after = load;

/** Read the item and decide what its owner can do here. */
async function load() {
  const { status, value } = await ask(page.base);
  if (status !== 200) return show("find");
  page.item = page.base.startsWith("/c/") ? itemOfCase(value) : value;
  if (!("holder" in value)) return show("fallen", { name: value.name });
  one("[data-private]").replaceChildren(); // of another item, or of before another holder
  page.paper = page.secret && (await keyOf(await deriveSeed(page.secret, value.id)));
  const own = (await deviceKeys()).filter((key) => key.item === value.id && key.ledger === value.ledger);
  const { holder, waiting } = page.item;
  const waits = waiting.find((claim) => own.some((mine) => mine.did === claim.key));
  page.device = (holder && own.find((key) => key.did === holder.key)) || null;
  const filled = { name: value.name, step: step(holder), until: waits ? moment(waits.in_force_from) : "" };
  show(stateOf(holder, waits), filled);
  const others = page.device ? waiting.filter((claim) => !own.some((mine) => mine.did === claim.key)) : [];
  for (const part of all("[data-when]")) {
    part.hidden = (part.dataset.state && part.hidden) || !applies(part.dataset.when, others);
  }
  one("[data-refuse]").dataset.refuse = others.length ? others[0].statement : "";
  one("[data-page]").href = page.base;
  if (!speaks()) return;
  showRecord();
  await showCases();
}

/** What the code of a case tells, in the form of an item: that case alone, and what is waiting is not told. */
function itemOfCase(value) {
  const holder = value.holder && { ...value.holder, grants: [value.holder], steps: [] };
  return { ...value, holder, waiting: [], cases: [{ ...value.acts, case: value.case }], delivered: false };
}

function speaks() {
  const { device, paper, item } = page;
  return device || (paper && item.holder && item.holder.key === paper.did);
}

function stateOf(holder, waits) {
  if (!holder) return "unheld";
  if (page.device) return holder.released ? "released" : "device";
  if (holder.released) return "released";
  if (waits) return "waiting";
  if (!page.paper) return "ask";
  if (!holder.grants.some((known) => known.key === page.paper.did)) return "stranger";
  return holder.key === page.paper.did ? "paper" : "claimed";
}

function applies(when, others) {
  const { item, base, device } = page;
  const whole = base.startsWith("/i/");
  return {
    whole,
    speaks: Boolean(speaks()),
    missing: whole && !item.lost && !item.stolen,
    back: whole && (item.lost || item.stolen),
    asked: others.length > 0,
    bytes: device !== null && device.signer instanceof Uint8Array,
    locked: device !== null && !(device.signer instanceof Uint8Array),
  }[when];
}

function step(holder) {
  const last = holder && holder.steps && holder.steps[holder.steps.length - 1];
  return last ? `${moment(last.recorded_at)} · ${last.by}` : "";
}

async function claim() {
  const { id, ledger, name } = page.item;
  const also = await makeDeviceKey({ item: id, ledger, name, token: page.token });
  await speak("item.claimed", { holder_key: also.did, holder_custody: "device" }, { key: page.paper, also });
}

/** Open the item of a view code, or the case of a case's code. */
function open(token, letter = "i") {
  page.token = token;
  page.base = `/${letter}/${token}`;
  return load();
}

async function begin(secret) {
  page.secret = secret;
  return open(await viewToken(secret));
}

async function submitted(event) {
  const typed = event.target.elements.code.value.trim();
  if (event.target.dataset.form === "item") {
    const found = /(?:^|\/i\/)([A-Za-z0-9_-]{22})$/.exec(typed);
    return found ? open(found[1]) : say(word("not_item"));
  }
  if (await follow(typed, open)) return;
  const secret = parseTyped(typed) || parseCode(typed.split("#").pop());
  return secret ? begin(secret) : say(word("not_code"));
}

async function start() {
  const fragment = location.hash.slice(1);
  // The secret leaves the address bar, the history and whatever is shared from there.
  if (fragment) history.replaceState(null, "", location.pathname);
  if (!(await wayHere())) return show("unsupported");
  for (const form of all("form[data-form]")) on(form, "submit", submitted);
  on(one("[data-claim]"), "click", claim);
  on(one("[data-again]"), "click", claim);
  for (const button of all("[data-say]")) on(button, "click", () => speak(button.dataset.say, {}));
  on(one("[data-read]"), "click", read);
  on(one("[data-complain]"), "submit", complain);
  on(one("[data-erase]"), "click", askErasure);
  on(one("[data-give]"), "click", give);
  for (const button of all("[data-share]")) on(button, "click", share);
  const refuse = one("[data-refuse]");
  on(refuse, "click", () => speak("item.claim_refused", { refused: refuse.dataset.refuse }));
  const known = /^([ic])=([A-Za-z0-9_-]{22})$/.exec(fragment);
  const secret = parseCode(fragment);
  if (secret) return begin(secret);
  show("ask");
  await remembered();
  if (known) return open(known[2], known[1]);
  if (await follow(fragment, open)) return;
  if (fragment) say(word("not_code"));
}

/** Things that this device holds, not those that it only asked for: one button each, for the key is here. */
async function remembered() {
  const list = one("[data-known]");
  const newest = new Map((await deviceKeys()).filter((key) => !key.asked).map((key) => [key.item, key]));
  for (const known of newest.values()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = known.name;
    on(button, "click", () => open(known.token));
    list.append(button);
  }
  const section = list.closest("section");
  section.hidden = !newest.size;
  section.dataset.state = newest.size ? "ask" : ""; // without any, no state shows it
}

if (main) start().catch((error) => (show("unsupported"), say((error && error.message) || "")));
