// What the holder does in a case: decides on a quote, takes the thing over, rates, complains, asks for erasure.
//
// The server says what the ledger would accept (`may`); each part is a template of the page, filled and signed here.

import { called, copied, made, moment, on, one, page, plain, row, speak, word } from "./owner_page.js";
import { openPrivate, upload } from "./owner_read.js";
import { newId } from "./owner_says.js";

const NAMED = ["quote", "free", "currency", "due", "expires"];
const MONEY = ["amount", "currency", "lines", "up_to"];

/** Fill the page's part for cases; an amount is asked for only where somebody has to decide on it. */
export async function showCases() {
  const place = one("[data-cases]");
  const cases = page.item.cases.filter((act) => act.may && (act.may.length || act.rating));
  const asked = cases.some((act) => decidable(act).some((quote) => !quote.details.free));
  const opened = (asked && (await openPrivate())) || new Map();
  const shown = cases.map((act) => caseOf(act, opened)).filter((part) => part.querySelector("form"));
  place.replaceChildren(...shown);
  place.closest("section").hidden = !shown.length || place.closest("section").hidden;
  const delivery = one("[data-delivery]");
  delivery.replaceChildren(...(page.item.delivered ? [acceptance("item", {})] : []));
  delivery.closest("section").hidden = !page.item.delivered || delivery.closest("section").hidden;
}

const decidable = (act) => (act.may.includes("case.approved") ? act.quotes.filter((quote) => !quote.expired) : []);

function caseOf(act, opened) {
  const parts = decidable(act).map((quote) => quoteOf(act, quote, opened.get(quote.statement) || []));
  if (act.handed_over && act.may.includes("case.accepted")) parts.push(acceptance("case", { case: act.case }));
  if (act.may.includes("case.evaluated") || act.rating) parts.push(rating(act));
  const article = made("article", "", "mine", [made("h3", `${act.title} · ${act.status}`), ...parts]);
  article.dataset.about = act.case;
  return article;
}

/** A quote with what is private of it: approving or declining signs the very terms that were shown. */
function quoteOf(act, { details }, members) {
  const form = copied("quote");
  const known = members.filter(([name]) => MONEY.includes(name));
  const named = ["due", "expires"].filter((name) => details[name]);
  const days = named.map((name) => row(called(name), moment(details[name])));
  const money = known.map(([name, value]) => row(called(name), worded(name, value, details.currency)));
  form.querySelector("dl").append(...(details.free ? [row(called("amount"), word("free"))] : money), ...days);
  const amount = known.find(([name]) => name === "amount");
  form.querySelector("[data-unknown]").hidden = details.free || amount;
  const price = details.free ? word("free") : amount && worded(...amount, details.currency);
  form.querySelector("[data-fill=price]").textContent = price || word("no_price");
  const terms = {};
  for (const name of NAMED) if (name in details) terms[name] = details[name];
  const priv = Object.fromEntries(known.filter(([name]) => !(name in terms)));
  onChoice(form, (type) => speak(type, terms, { case: act.case, priv }));
  return form;
}

const worded = (name, value, currency) =>
  ["amount", "up_to"].includes(name) && currency && typeof value === "string" ? `${value} ${currency}` : plain(value);

/** Taking over, or not: what was looked at and how it was. */
function acceptance(of, more) {
  const form = copied("accept");
  onChoice(form, (verb) => {
    const selects = Array.from(form.querySelectorAll("select")).filter((select) => select.value);
    const checks = selects.map((select) => ({ aspect: select.name, result: select.value }));
    return speak(`${of}.${verb}`, { checks }, more);
  });
  return form;
}

/** What each button of a form does, with its choice. */
function onChoice(form, act) {
  const buttons = Array.from(form.querySelectorAll("button"));
  for (const button of buttons) on(button, "click", () => act(button.dataset.choice));
}

/** A rating, or the revision of the one that was given: as a correction, beside the first. */
function rating({ case: name, rating: given, done }) {
  const part = copied("rate");
  const form = part.querySelector("form");
  part.open = done && !given;
  const selects = Array.from(form.querySelectorAll("select"));
  for (const select of selects) select.value = given ? String(given.details[select.name] || "") : "";
  part.querySelector("[data-first]").hidden = Boolean(given);
  part.querySelector("[data-again]").hidden = !given;
  form.querySelector("[data-comment]").hidden = Boolean(given);
  on(form, "submit", () => {
    const details = {};
    for (const select of selects) if (select.value) details[select.name] = Number(select.value);
    const comment = form.elements.comment.value.trim();
    if (!given) return speak("case.evaluated", details, { case: name, priv: comment ? { comment } : {} });
    return speak("statement.corrected", { reason: "revised", details }, { case: name, corrects: given.statement });
  });
  return part;
}

/** A complaint: a case of its own kind on the item, its words and photographs for those it is for. */
export async function complain(event) {
  const { issue, description, photos } = event.target.elements;
  const attachments = [];
  for (const [at, file] of Array.from(photos.files).entries()) attachments.push(await upload(file, at + 1));
  const priv = { description: description.value.trim() };
  if (attachments.length) priv.attachments = attachments;
  const opened = { kind: "complaint", channel: "web", issue: issue.value };
  const { said } = await speak("case.opened", opened, { case: newId(), priv });
  if (said) event.target.reset();
}

/** Ask the shop to erase what it keeps of her: a request in the log, whose words only those see who answer it. */
export function askErasure(event) {
  const opened = { kind: "consultation", channel: "web", issue: "terms" };
  const priv = { description: event.target.dataset.erase };
  return speak("case.opened", opened, { case: newId(), priv });
}
