// What the scripts of the owner's page share: the item in hand, words of the page, questions to the server, elements.
//
// Every word that is shown stands in the page itself, in the reader's language; what others wrote is set as text and
// never read as HTML. `page.base` is /i/ or /c/ and the code by which the item was found; `page.after` shows it anew.

import { Unfit, conceal, newId, sign, signAsking } from "./owner_says.js";

const FOLD = 40; // of a long list: what is shown at once
export const page = { secret: null, token: null, base: "", item: null, paper: null, device: null, drift: 0 };
export const main = typeof document === "object" ? document.querySelector("[data-owner]") : null;
export const one = (selector) => main.querySelector(selector);
export const all = (selector) => Array.from(main.querySelectorAll(selector));
export const word = (name) => one(`[data-word="${CSS.escape(name)}"]`).textContent;

/** Show the parts of a state, and fill their places. */
export function show(state, filled = {}) {
  for (const part of all("[data-state]")) part.hidden = !part.dataset.state.split(" ").includes(state);
  for (const [name, text] of Object.entries(filled)) {
    for (const at of all(`[data-fill="${name}"]`)) at.textContent = text;
  }
}

const message = main && one("[data-message]");
let acted = null; // where she acted last: the part of the page, what of a list it was about, what was unfolded for it

/** Say something where she acted, or nothing; `tone` is good, note or bad. It takes the focus: her button may be gone. */
export function say(text, tone = "note") {
  message.className = `banner ${tone}`;
  message.textContent = text;
  message.hidden = !text;
  if (!text) return;
  const about = acted && acted.about && one(`[data-about="${CSS.escape(acted.about)}"]`);
  if (about && about.getClientRects().length) about.prepend(message); // not into what is hidden now
  else if (acted) acted.section.before(message);
  message.focus({ preventScroll: true });
  message.scrollIntoView({ behavior: "instant", block: "nearest" });
}

/** What the server refused, as its problem tells. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Say what was refused: what that means in the reader's language, then a line of what the server says itself. */
export function refuse({ type, detail }) {
  say(word("refused") + word(`problem_${type.split("#")[1]}`), "bad");
  const own = made("small", detail, "aside");
  own.lang = "en";
  message.append(own);
}

/** The status and the value of what the server answers; a body is posted as JSON. */
export async function ask(path, body) {
  const headers = { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}) };
  const answer = await fetch(path, body ? { method: "POST", body: JSON.stringify(body), headers } : { headers });
  const served = Date.parse(answer.headers.get("Date"));
  if (served) page.drift = served - Date.now(); // a phone's clock may be wrong; the ledger's is what counts
  return { status: answer.status, value: await answer.json() };
}

export const now = () => new Date(Date.now() + page.drift);

/** The key that speaks here for the present holder. */
export const ownKey = () => page.device || page.paper;

/** A fresh asking of the item's present holder, signed. */
export async function asking() {
  const { item } = page;
  const asked = { ledger: item.ledger, subject: item.id, grant: item.holder.grant, at: now().toISOString() };
  return signAsking(asked, ownKey());
}

/** A statement of the holder, not yet signed; `more` are its other members. */
export function draft(type, details, key, more = {}) {
  const { item } = page;
  const at = now();
  const { grant } = item.holder.grants.find((known) => known.key === key.did);
  const who = { ledger: item.ledger, subjects: [item.id], party: item.id, grant };
  return { id: newId(at.getTime()), type, ...who, details, occurred_at: at.toISOString(), ...more };
}

/** Say something as the holder: `{case, corrects, priv, key, also}` are what not every statement has. */
export async function speak(type, details, { priv, key = ownKey(), also, ...more } = {}) {
  const room = JSON.parse(main.dataset.room)[type];
  const hidden = room ? await conceal(priv || {}, room) : null;
  const sealed = hidden ? { _sd: hidden.sd, _sd_alg: "sha-256" } : {};
  const statement = draft(type, details, key, { ...more, ...sealed });
  const signatures = [await sign(statement, key)];
  if (also) signatures.push(await sign(statement, also));
  const body = { statement, signatures };
  if (hidden && hidden.disclosures.length) body.disclosures = hidden.disclosures;
  const { status, value } = await ask(`${page.base}/statements`, body);
  await page.after();
  if (status < 300) done(statement.id);
  else refuse(value);
  return { said: status < 300, value };
}

/** Say what was recorded, in the page's words for it; what was unfolded for it is not there to be sent twice. */
export function done(id) {
  const known = (page.item && page.item.records) || [];
  const record = known.find(({ statement }) => statement === id);
  if (acted && acted.fold) acted.fold.open = false;
  say(word("recorded") + (record ? record.sentence : ""), "good");
}

// Elements -----------------------------------------------------------------------------------------------------------

/** An element with text alone. */
export function made(tag, text, kind = "", inside = []) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  element.append(...inside);
  return element;
}

/** A copy of a template of the page, its places filled with texts. */
export function copied(name, filled = {}) {
  const copy = one(`template[data-template="${name}"]`).content.firstElementChild.cloneNode(true);
  for (const [place, text] of Object.entries(filled)) copy.querySelector(`[data-fill="${place}"]`).textContent = text;
  return copy;
}

/** Fill a place with as much of a long list as is `wanted`; what follows the place has the button for more. */
export function fold(place, list, make, wanted = FOLD) {
  const more = made("button", "");
  let shown = 0;
  const grow = (end) => {
    const added = list.slice(shown, end).flatMap(make);
    place.append(...added);
    shown = Math.min(end, list.length);
    place.dataset.shown = shown;
    more.textContent = `${word("more")} (${list.length - shown})`;
    more.parentNode.hidden = shown === list.length;
    return added[0];
  };
  more.className = "second";
  more.type = "button";
  place.replaceChildren();
  place.nextElementSibling.replaceChildren(more);
  grow(wanted);
  on(more, "click", () => {
    const first = grow(shown + FOLD);
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  });
}

export const row = (name, value) => made("div", "", "", [made("dt", name), made("dd", value)]);

/** Run what an element does; no failure is silent, and none leaves the page without its buttons. */
export function on(element, kind, act) {
  element.addEventListener(kind, async (event) => {
    event.preventDefault();
    const about = element.closest("[data-about]");
    acted = { section: element.closest("section"), about: about && about.dataset.about, fold: element.closest("details") };
    const pressed = document.activeElement;
    for (const button of all("button")) button.disabled = true;
    say("");
    try {
      await act(event);
    } catch (error) {
      if (error instanceof Refused) refuse(error.problem);
      else say(error instanceof Unfit ? word("unfit") : word("failed") + ((error && error.message) || ""), "bad");
    } finally {
      for (const button of all("button")) button.disabled = false;
      if (document.activeElement === document.body) pressed.focus({ preventScroll: true });
    }
  });
}

/** A day, or a time by this device's clock: day before month, and 24 hours, as the rest of the page writes them. */
export function moment(text) {
  const { lang } = document.documentElement;
  const day = { year: "numeric", month: "long", day: "numeric" }; // one by one: a style's hours change the day's in zh-Hant
  const [tag, at] = [lang === "en" ? "en-GB" : lang, new Date(text)];
  if (text.length === 10) return at.toLocaleDateString(tag, { ...day, timeZone: "UTC" });
  const clock = at.toLocaleTimeString(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return `${at.toLocaleDateString(tag, day)}${lang === "en" ? "," : ""} ${clock}`; // browsers join the two in ways of their own
}

/** How a private member is called. */
export function called(name) {
  const found = one(`[data-word="member_${CSS.escape(name)}"]`);
  return found ? found.textContent : name;
}

/** A value in words: text as it is, an amount with its currency, and lists and objects on one line. */
export function plain(value) {
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(plain).join("; ");
  return Object.values(value).map(plain).join(value.amount === undefined ? ", " : " ");
}
