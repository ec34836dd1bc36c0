// A flow: one screen, one atomic batch, and then the paper.

import { $, caseOf, el, explained, item, message, show, wrong } from "./draw.js";
import { say, told, typed } from "./words.js";
import { byKeyboard, choosing, pointed, record, told_of, valuesOf } from "./form.js";
import { historyOf, itemOf } from "./things.js";
import { follow, sides } from "./sides.js";
import { newId } from "./making.js";
import { cardOf, laidIn, useCard } from "./laid_in.js";
import { spend, useCurrency } from "./money.js";
import { papers } from "./papers.js";
import { ask, Offline } from "./wire.js";

const form = told.forms[document.body.dataset.page];
let within = null;

/** The case that is handed over: the newest open one of the thing. */
async function openCase(node, state) {
  const open = (state.cases ?? []).filter((one) => !one.closed).at(-1);
  within = open?.case ?? null;
  if (!within) {
    message(say(state.laid && !state.cases.length ? "case_offline" : "thing_no_case"), "note");
    return;
  }
  message("");
  const shown = sides(state.laid ?? (await historyOf(state.id)), within, true);
  if (shown) follow(node, shown);
  else if (state.laid) message(say("sides_offline"), "note");
}

/** An owner code for a sale, drawn from the service; nothing without a network. */
async function owner(id) {
  try {
    const answer = await ask("POST", "/v1/codes", { items: [id] });
    return answer.ok ? answer.body.cards[0] : null;
  } catch (error) {
    if (error instanceof Offline) return null;
    throw error;
  }
}

/** What a sale with a card names of it, `{card, id, holder_key, holder_custody}`; or says why not, and `null`. */
async function fromCard(input, thing) {
  const card = await cardOf(input.value).catch((error) => {
    if (error instanceof Offline) return null;
    throw error;
  });
  // A new thing without an id of its own gets the one that the card was drawn for.
  const named = card?.keys.find((one) => one.item === thing.id) ?? (thing.fresh && !thing.named && card?.keys.length === 1 ? card.keys[0] : null);
  if (named && !card.used) return { card, id: named.item, holder_key: named.holder_key, holder_custody: card.holder_custody };
  wrong(input, say(!card ? "card_unknown" : card.used ? "card_used" : "card_other"));
  return null;
}

/** What is printed of a record: the body of `POST /v1/receipts`, with the owner code that was drawn for it. */
function paperOf(things, about, card) {
  const named = form.name === "exchange" ? [things.replacement] : Object.values(things);
  const inCase = about && form.name !== "exchange" ? { case: about } : {};
  const owner = card ? { owner_code: card.owner.typed } : {};
  return { kind: form.paper, items: named.map((item) => ({ item, ...inCase, ...owner })) };
}

function done(node, things, about, { card, drawn }, became) {
  const sent = told_of(became);
  if (became.outcome.problem && !became.outcome.later) {
    pointed(node, form, became);
    return;
  }
  show(node, false);
  show($("[data-identity]"), false);
  const after = $("[data-done]");
  $("[data-done-title]").textContent = typed(form.name);
  $("a[data-item]", after).href = item(things.thing);
  const link = $("a[data-case]", after);
  show(link, Boolean(about));
  if (about) link.href = caseOf(about, things.thing);
  show(after);
  after.focus();
  const place = $("[data-made]", after);
  if (card) place.append(el("p", {}, el("strong", {}, say("owner_code"))), el("p", { class: "short" }, card.owner.typed.replace(/(.{4})(?=.)/g, "$1 ")), el("p", { class: "id" }, card.owner.url));
  if (sent && form.paper) place.append(...papers(paperOf(things, about, card)));
  else if (form.name === "sell" && !drawn) place.append(el("p", {}, say("owner_offline")));
}

async function submit(node, chosen, who) {
  const names = form.fields.filter((field) => field.kind === "thing").map((field) => field.name);
  const missing = names.find((name) => !chosen.has(name));
  if (missing) {
    wrong(node.elements[missing], say("thing_first"));
    return;
  }
  if (form.case === "known" && !within) {
    wrong(node.elements.thing, say(navigator.onLine ? "thing_no_case" : "case_offline"));
    return;
  }
  const things = Object.fromEntries(names.map((name) => [name, chosen.get(name).id]));
  const values = valuesOf(node, form);
  const about = form.case === "new" ? newId() : form.case === "known" ? within : null;
  const drawn = values.card ? await fromCard(node.elements.card, chosen.get("thing")) : null;
  if (values.card && !drawn) return;
  if (drawn) things.thing = drawn.id;
  const card = form.name === "sell" && values.owner && !drawn ? await owner(things.thing) : null;
  const { holder_key, holder_custody } = drawn ?? card?.owner ?? {};
  const more = holder_key ? { "item.sold": { holder_key, holder_custody } } : {};
  const codes = names.map((name) => chosen.get(name).code).filter(Boolean);
  const fresh = names.filter((name) => chosen.get(name).fresh);
  const became = await record(form, values, { things, fresh, about, more, codes, called: chosen.get("thing").name }, who);
  if (!became) return;
  if (drawn) await useCard(drawn.card);
  await spend(values.currency, who);
  done(node, things, about, { card, drawn }, became);
}

export async function start(who) {
  const node = $(`[data-form=${form.name}]`);
  const { chosen, known, settled } = choosing(node, form, (name, state) => (form.case === "known" ? openCase(node, state) : null));
  byKeyboard(node);
  await useCurrency(who);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $("button:not([type=button])", node);
    button.disabled = true;
    try {
      await settled();
      await submit(node, chosen, who);
    } finally {
      button.disabled = false;
    }
  });
  const id = new URLSearchParams(location.search).get("item");
  const input = node.elements.thing;
  if (id) {
    input.value = id;
    const state = await itemOf(id).catch((error) => {
      if (error instanceof Offline) return laidIn(id);
      throw error;
    });
    if (state) known("thing", state);
  } else input.focus();
}
