// A form of the console, filled in by hand: the thing is looked up while the next field is typed, Enter moves on, and
// what was recorded is written down here before it is sent.

import { $, $$, el, explained, message, show, technical, wrong } from "./draw.js";
import { say, word } from "./words.js";
import { make, newId } from "./making.js";
import { discard, keep, send } from "./queue.js";
import { laidIn } from "./laid_in.js";
import { find, idIn, itemOf } from "./things.js";
import { Offline } from "./wire.js";

/** What the form's fields hold, by name. */
export function valuesOf(node, form) {
  const pairs = form.fields.map((field) => {
    const input = node.elements[field.name];
    return [field.name, field.kind === "flag" ? input.checked : field.kind === "photo" ? (input.files[0] ?? null) : input.value];
  });
  return Object.fromEntries(pairs);
}

/** Enter goes to the next field, and records in the last one; in a text of several lines Ctrl and Enter does. */
export function byKeyboard(node) {
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName === "BUTTON") return;
    if (event.target.tagName === "TEXTAREA" && !event.ctrlKey) return;
    event.preventDefault();
    const fields = $$("input, select, textarea", node).filter((one) => one.offsetParent);
    const next = fields[fields.indexOf(event.target) + 1];
    if (next) next.focus();
    else node.querySelector("[type=submit], button:not([type])").click(); // requestSubmit came with Safari 16
  });
}

/** The fields for things of a form: `chosen` has what was found, by name. */
export function choosing(node, form, onChange = () => {}) {
  const chosen = new Map();
  const steps = form.steps.filter((step) => step.when === "new").map((step) => step.subjects[0]);
  const fresh = (name, id) => {
    chosen.set(name, { id: id ?? newId(), named: Boolean(id), fresh: true, name: "" });
    show($("[data-field=name]", node));
    show($("[data-field=category]", node));
    for (const one of ["name", "category"]) node.elements[one].required = true;
    $(`[data-found=${name}]`, node).replaceChildren(say("new_chosen"));
    node.elements.name.focus();
  };
  const known = (name, one, code) => {
    chosen.set(name, { ...one, code });
    if (steps.includes(name)) {
      show($("[data-field=name]", node), false);
      show($("[data-field=category]", node), false);
      for (const other of ["name", "category"]) node.elements[other].required = false;
    }
    $(`[data-found=${name}]`, node).replaceChildren(el("strong", {}, one.name), " ", el("span", { class: "quiet" }, word(one.category ?? "")));
    onChange(name, one);
  };
  const look = async (name, text) => {
    const place = $(`[data-found=${name}]`, node);
    chosen.delete(name);
    if (!text.trim()) return place.replaceChildren();
    try {
      const found = await find(text);
      const all = (await Promise.all(found.slice(0, 8).map(async (one) => ({ code: one.code, state: await itemOf(one.id) })))).filter((one) => one.state);
      if (all.length === 1) known(name, all[0].state, all[0].code);
      else if (all.length) place.replaceChildren(...all.map((one) => el("button", { type: "button", class: "plain", click: () => known(name, one.state, one.code) }, `${one.state.name} · ${one.state.id.slice(-12)}`)));
      else place.replaceChildren(say("thing_none"));
    } catch (error) {
      if (error instanceof Offline) {
        const laid = await laidIn(text.trim());
        if (laid) known(name, laid);
        if (!laid?.cases.length) place.append(el("span", { class: "quiet" }, say("thing_offline")));
      } else if (error instanceof Error) throw error;
      else place.replaceChildren(...explained(error));
    }
  };
  const waiting = new Map();
  for (const input of $$("[data-thing]", node)) {
    input.addEventListener("change", () => waiting.set(input.name, look(input.name, input.value)));
    const button = $(`[data-make=${input.name}]`, node);
    button?.addEventListener("click", () => fresh(input.name, idIn(input.value.trim())));
    button?.addEventListener("click", () => (input.required = false));
  }
  return { chosen, known, settled: () => Promise.all(waiting.values()) };
}

let refused = null;

/**
 * Record what a form holds: it is kept, then sent; what became of it, or `null` for what cannot be said so.
 *
 * What was refused a moment ago about the same thing, and stands in the form still, is replaced by what is said now.
 */
export async function record(form, values, about, who) {
  const { codes = [], called = "", ...more } = about;
  const made = make(form, values, { ...more, who });
  let kept;
  try {
    kept = await keep(form, { ...made, called }, who, codes);
  } catch (error) {
    if (error.name !== "Malformed") throw error;
    message(say("unsayable"), "bad");
    return null;
  }
  const { thing } = about.things;
  if (refused?.thing === thing) await discard(refused.id);
  const outcome = await send(who, kept.id);
  refused = outcome.problem && !outcome.later ? { id: kept.id, thing } : null;
  return { kept, outcome, made };
}

/** Say beside the field what a refusal points at, if it is what somebody typed. */
export function pointed(node, form, { kept, outcome }) {
  const [first] = outcome.problem?.errors ?? [];
  const [, number, place] = /^\/(\d+)\/(?:statement\/)?(.*)$/.exec(first?.pointer ?? "") ?? [];
  const type = kept.statements[number]?.statement.type;
  const field = form.fields.find((one) => one.to.some((to) => to.startsWith(`${type}:`) && `${place}/`.startsWith(`${to.slice(type.length + 1)}/`)));
  if (field) wrong(node.elements[field.name], say("field_wrong"), technical(first.detail));
}

/** Say what became of a record; whether it was sent. */
export function told_of({ outcome, kept }) {
  const signed = Boolean(kept.key);
  if (outcome.sent) {
    message(say("recorded"), "good");
    return true;
  }
  if (outcome.problem && !outcome.later) message("", "bad", [el("strong", {}, say("refused")), ...explained(outcome.problem), " ", el("a", { href: "/console/queue" }, say("queue"))]);
  else if (outcome.status === 401) message(say("sign_in_again"), "note", [" ", el("a", { href: "/console/door" }, say("door"))]);
  else message(say(signed ? "kept_signed" : "kept"), "note");
  return false;
}
