// The owner's side of Patina: keys made and used in the browser, with WebCrypto alone (docs/format.md, docs/holders.md).
//
// The owner code (16 secret bytes behind the # of /o#…) never leaves this page: what goes to the server are the view
// code that follows from it, which opens the item, and statements that its key, or this device's own, has signed. The
// device's key is made here, cannot be exported by any script, and stays in this browser's IndexedDB.

const PAYLOAD_TYPE = "application/vnd.patina.statement.v1+json";
const READING_TYPE = "application/vnd.patina.reading.v1+json"; // of its own: no statement is read as an asking
const BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const PKCS8_HEAD = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]; // RFC 8410
const ED25519 = { name: "Ed25519" };
const utf8 = (text) => new TextEncoder().encode(text);

// Codes and keys -----------------------------------------------------------------------------------------------------

export const base64 = (raw) => btoa(String.fromCharCode(...raw));
export const base64url = (raw) => base64(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** The 16 bytes of an owner code: the first 22 characters, whatever a chat program appended; null if it is none. */
export function parseCode(text) {
  const code = text.slice(0, 22);
  if (!/^[A-Za-z0-9_-]{21}[AQgw]$/.test(code)) return null;
  return Uint8Array.from(atob(code.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
}

/** The 16 bytes of a typed owner code: 26 characters, either case, O for 0 and I or L for 1; null if it is none. */
export function parseTyped(text) {
  const typed = text.replaceAll(/[ -]/g, "").toUpperCase().replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  if (typed.length !== 26 || [...typed].some((one) => !BASE32.includes(one))) return null;
  let number = [...typed].reduce((sum, one) => (sum << 5n) | BigInt(BASE32.indexOf(one)), 0n);
  if (number >> 128n) return null;
  return Uint8Array.from({ length: 16 }, () => 0).map((_, at) => Number((number >> BigInt(8 * (15 - at))) & 255n));
}

async function derive(secret, label, length) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8(label) };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 8 * length));
}

/** The view code that was drawn with an owner code. */
export const viewToken = async (secret) => base64url(await derive(secret, "patina/v1/view\n", 16));

/** The seed of the owner's key for one item. */
export const deriveSeed = (secret, subject) => derive(secret, "patina/v1/holder\n" + subject, 32);

/** The key of a seed: what signs, and its did:key. */
export async function keyOf(seed) {
  const wrapped = Uint8Array.from([...PKCS8_HEAD, ...seed]);
  const open = await crypto.subtle.importKey("pkcs8", wrapped, ED25519, true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", open);
  const raw = Uint8Array.from(atob(x.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  return { signer: await crypto.subtle.importKey("pkcs8", wrapped, ED25519, false, ["sign"]), did: formatDid(raw) };
}

/** A public key of 32 bytes as did:key. */
export function formatDid(raw) {
  const bytes = [0xed, 1, ...raw];
  let number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let text = "";
  for (; number; number /= 58n) text = BASE58[Number(number % 58n)] + text;
  return "did:key:z" + text;
}

// Statements ---------------------------------------------------------------------------------------------------------

/** Canonical JSON (format.md §1) of a value that has no fractions: members sorted by name, nothing between them. */
export function canonical(value) {
  if (Array.isArray(value)) return "[" + value.map(canonical).join(",") + "]";
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((name) => JSON.stringify(name) + ":" + canonical(value[name]));
  return "{" + members.join(",") + "}";
}

/** The signature of a statement by a key, over DSSE's pre-authentication encoding. */
export async function sign(statement, { signer, did }, type = PAYLOAD_TYPE) {
  const body = utf8(canonical(statement));
  const head = utf8(`DSSEv1 ${type.length} ${type} ${body.length} `);
  const raw = await crypto.subtle.sign(ED25519, signer, Uint8Array.from([...head, ...body]));
  return { key: did, sig: base64(new Uint8Array(raw)) };
}

/** What a holder sends who asks to read: `asked` has ledger, subject, grant and at. */
export const signAsking = async (asked, key) => ({ asked, signature: await sign(asked, key, READING_TYPE) });

/** A disclosure that does not fit the statement (its id is the message) that it came with. */
export class Unfit extends Error {}

/** By statement id, the private members of a history bundle; throws unless each fits the signed statement's digests.
 *
 * That the statements stand in the log and are all there is what `patina verify` proves of the same bundle.
 */
export async function openDisclosures({ subject, histories, disclosures }) {
  const { entries } = histories.find((one) => one.subject === subject);
  const digests = new Map(entries.map((text) => JSON.parse(text).statement).map((one) => [one.id, one._sd ?? []]));
  const opened = new Map();
  for (const [id, texts] of Object.entries(disclosures)) {
    const members = [];
    for (const text of texts) {
      const digest = base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
      if (!digests.get(id)?.includes(digest)) throw new Unfit(id);
      const raw = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
      members.push(JSON.parse(new TextDecoder().decode(raw)).slice(1));
    }
    opened.set(id, members);
  }
  return opened;
}

/** A fresh UUIDv7 (RFC 9562 §5.7) as urn:uuid. */
export function newId(now = Date.now()) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let at = 0; at < 6; at++) bytes[at] = Math.floor(now / 256 ** (5 - at)) % 256;
  bytes[6] = 0x70 | (bytes[6] & 15);
  bytes[8] = 0x80 | (bytes[8] & 63);
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return "urn:uuid:" + hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Whether this browser can do all that: found out by doing it, never by its name. */
export async function supported() {
  try {
    const key = await keyOf(new Uint8Array(32).fill(1));
    await sign({}, key);
    return typeof indexedDB === "object" && key.did.startsWith("did:key:z6Mk");
  } catch {
    return false;
  }
}

// Keys of this device ------------------------------------------------------------------------------------------------

function database(mode, use) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("patina", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys", { keyPath: "did" });
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const working = opening.result.transaction("keys", mode);
      const asked = use(working.objectStore("keys"));
      working.oncomplete = () => (opening.result.close(), resolve(asked.result));
      working.onerror = working.onabort = () => reject(working.error);
    };
  });
}

/** Every key that this device made: {did, item, ledger, name, token, signer}. */
export const deviceKeys = () => database("readonly", (store) => store.getAll());

/** Make a key that no script can read out, and keep it before anything is said with it. */
export async function makeDeviceKey(about) {
  const pair = await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"]);
  const did = formatDid(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
  const kept = { ...about, did, signer: pair.privateKey };
  await database("readwrite", (store) => store.put(kept));
  navigator.storage?.persist?.(); // ask that it is not thrown away when the disk is full
  return kept;
}

// The page -----------------------------------------------------------------------------------------------------------

const page = { secret: null, token: null, item: null, paper: null, device: null, drift: 0 };
const main = typeof document === "object" ? document.querySelector("[data-owner]") : null;
const all = (selector) => main.querySelectorAll(selector);
const word = (name) => main.querySelector(`[data-word="${name}"]`).textContent;

function show(state, filled = {}) {
  for (const one of all("[data-state]")) one.hidden = !one.dataset.state.split(" ").includes(state);
  for (const [name, text] of Object.entries(filled)) for (const one of all(`[data-fill="${name}"]`)) one.textContent = text;
}

function say(text) {
  const place = main.querySelector("[data-message]");
  place.textContent = text;
  place.hidden = !text;
}

async function ask(path, body) {
  const how = body ? { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } } : {};
  const answer = await fetch(path, { ...how, headers: { ...how.headers, Accept: "application/json" } });
  const served = Date.parse(answer.headers.get("Date"));
  if (served) page.drift = served - Date.now(); // a phone's clock may be wrong; the ledger's is what counts
  return { status: answer.status, value: await answer.json() };
}

/** Read the item and decide what its owner can do here. */
async function load() {
  const { status, value } = await ask(`/i/${page.token}`);
  if (status !== 200) return show("find");
  if (!("holder" in value)) return show("fallen", { name: value.name });
  page.item = value;
  main.querySelector("[data-private]").replaceChildren(); // of another item, or of before another holder
  page.paper = page.secret && (await keyOf(await deriveSeed(page.secret, value.id)));
  const own = (await deviceKeys()).filter((one) => one.item === value.id && one.ledger === value.ledger);
  const holder = value.holder;
  const present = own.find((one) => one.did === holder?.key) ?? null;
  const waits = value.waiting.find((one) => own.some((mine) => mine.did === one.key));
  page.device = present;
  const paperGrant = holder?.grants.find((one) => one.key === page.paper?.did);
  const filled = { name: value.name, step: step(holder), until: waits ? moment(waits.in_force_from) : "" };
  show(stateOf(holder, present, waits, paperGrant), filled);
  const others = present ? value.waiting.filter((one) => !own.some((mine) => mine.did === one.key)) : [];
  for (const one of all("[data-when]")) one.hidden = one.hidden || !applies(one.dataset.when, value, others);
  main.querySelector("[data-refuse]").dataset.refuse = others[0]?.statement ?? "";
}

function stateOf(holder, present, waits, paperGrant) {
  if (!holder) return "unheld";
  if (holder.released) return "released";
  if (present) return "device";
  if (waits) return "waiting";
  if (!page.paper) return "ask";
  if (!paperGrant) return "stranger";
  return holder.key === page.paper.did ? "paper" : "claimed";
}

function applies(when, value, others) {
  return { missing: !value.lost && !value.stolen, back: value.lost || value.stolen, asked: others.length > 0 }[when];
}

const moment = (text) => new Date(text).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
const step = (holder) => (holder?.steps?.length ? `${moment(holder.steps.at(-1).recorded_at)}, ${holder.steps.at(-1).by}` : "");

/** Say something as the holder, and show what came of it. */
async function speak(type, details, key, also) {
  const { item, drift, token } = page;
  const grant = item.holder.grants.find((one) => one.key === key.did).grant;
  const at = new Date(Date.now() + drift);
  const said = { id: newId(at.getTime()), type, ledger: item.ledger, subjects: [item.id], party: item.id, grant, details };
  const statement = { ...said, occurred_at: at.toISOString() };
  const signatures = [await sign(statement, key)];
  if (also) signatures.push(await sign(statement, also));
  const { status, value } = await ask(`/i/${token}/statements`, { statement, signatures });
  await load();
  say(status < 300 ? word("recorded") : `${word("refused")} ${value.detail}`);
}

async function claim() {
  const { id, ledger, name } = page.item;
  const made = await makeDeviceKey({ item: id, ledger, name, token: page.token });
  await speak("item.claimed", { holder_key: made.did, holder_custody: "device" }, page.paper, made);
}

/** A fresh asking of the item's present holder, signed. */
function asking() {
  const { item, drift } = page;
  const at = new Date(Date.now() + drift).toISOString();
  return signAsking({ ledger: item.ledger, subject: item.id, grant: item.holder.grant, at }, page.device ?? page.paper);
}

/** A button that shows a private file in its own place: a picture as one, anything else to be saved. */
function fileButton(file) {
  const place = made("div", "", "actions", [made("button", file.name)]);
  on(place.firstChild, "click", async () => {
    const how = { method: "POST", body: JSON.stringify(await asking()), headers: { "Content-Type": "application/json" } };
    const answer = await fetch(`/i/${page.token}/attachments/${file.sha256}`, how);
    if (!answer.ok) return say(`${word("refused")} ${(await answer.json()).detail}`);
    const raw = await answer.arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
    if ([...digest].map((one) => one.toString(16).padStart(2, "0")).join("") !== file.sha256) return say(word("altered"));
    const picture = file.media_type.startsWith("image/");
    const shown = document.createElement(picture ? "img" : "a");
    const address = URL.createObjectURL(new Blob([raw], { type: file.media_type }));
    if (picture) Object.assign(shown, { src: address, alt: file.name });
    else Object.assign(shown, { href: address, download: file.name, textContent: file.name });
    place.replaceChildren(shown);
  });
  return place;
}

/** Ask for what only the holder may read, and show it record by record. */
async function read() {
  const { item, token } = page;
  const place = main.querySelector("[data-private]");
  place.replaceChildren();
  const { status, value } = await ask(`/i/${token}/history`, await asking());
  if (status !== 200) return say(`${word("refused")} ${value.detail}`);
  const opened = await openDisclosures(value);
  for (const record of item.records.filter((one) => opened.has(one.statement))) {
    const members = opened.get(record.statement).filter(([name]) => name !== "attachments");
    const facts = members.map(([name, fact]) => row(called(name), plain(fact)));
    place.append(made("h3", record.sentence), made("dl", "", "facts", facts));
    const files = opened.get(record.statement).find(([name]) => name === "attachments")?.[1] ?? [];
    for (const file of files) place.append(fileButton(file));
  }
  place.append(made("p", word(opened.size ? "fits" : "nothing"), "quiet"));
}

const called = (name) => main.querySelector(`[data-word="member_${CSS.escape(name)}"]`)?.textContent ?? name;

/** A value in words: text as it is, an amount with its currency, and lists and objects on one line. */
function plain(value) {
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(plain).join("; ");
  return Object.values(value).map(plain).join(value.amount === undefined ? ", " : " ");
}

/** An element with text alone: what others wrote is never read as HTML. */
function made(tag, text, kind = "", inside = []) {
  const one = document.createElement(tag);
  one.textContent = text;
  if (kind) one.className = kind;
  one.append(...inside);
  return one;
}

const row = (name, value) => made("div", "", "", [made("dt", name), made("dd", value)]);

/** Run what a button does; no failure is silent, and none leaves the page without its buttons. */
function on(element, kind, act) {
  element.addEventListener(kind, async (event) => {
    event.preventDefault();
    for (const one of all("button")) one.disabled = true;
    say("");
    try {
      await act(event);
    } catch (error) {
      say(error instanceof Unfit ? word("unfit") : `${word("failed")} ${error?.message ?? ""}`);
    } finally {
      for (const one of all("button")) one.disabled = false;
    }
  });
}

async function begin(secret) {
  page.secret = secret;
  page.token = await viewToken(secret);
  await load();
}

async function submitted(event) {
  const typed = event.target.elements.code.value.trim();
  if (event.target.dataset.form === "item") {
    page.token = typed.match(/(?:^|\/i\/)([A-Za-z0-9_-]{22})$/)?.[1] ?? "";
    if (!page.token) return say(word("not_item"));
    return load();
  }
  const secret = parseTyped(typed) ?? parseCode(typed.split("#").at(-1));
  return secret ? begin(secret) : say(word("not_code"));
}

async function start() {
  const fragment = location.hash.slice(1);
  // The secret leaves the address bar, the history and whatever is shared from there.
  if (fragment) history.replaceState(null, "", location.pathname);
  if (!(await supported())) return show("unsupported");
  for (const form of all("form")) on(form, "submit", submitted);
  on(main.querySelector("[data-claim]"), "click", claim);
  on(main.querySelector("[data-again]"), "click", claim);
  for (const one of all("[data-say]")) on(one, "click", () => speak(one.dataset.say, {}, page.device ?? page.paper));
  on(main.querySelector("[data-read]"), "click", read);
  const refuse = main.querySelector("[data-refuse]");
  on(refuse, "click", () => speak("item.claim_refused", { refused: refuse.dataset.refuse }, page.device));
  const secret = parseCode(fragment);
  if (secret) return begin(secret);
  show("ask");
  if (fragment) say(word("not_code"));
  return remembered();
}

/** Things whose key this device made: one button each, for no code is needed where the key is. */
async function remembered() {
  const list = main.querySelector("[data-known]");
  const newest = new Map((await deviceKeys()).map((one) => [one.item, one]));
  for (const known of newest.values()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = known.name;
    on(button, "click", () => ((page.token = known.token), load()));
    list.append(button);
  }
  list.closest("section").hidden = !newest.size;
}

if (main) start().catch((error) => (show("unsupported"), say(error?.message ?? "")));
