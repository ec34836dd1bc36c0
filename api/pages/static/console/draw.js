// Nodes of the page: everything that came from somebody is put in as text, never as markup.

import { called, say, shown, told, typed, when, word } from "./words.js";

export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

/** A new node; members of `more` that are functions listen. */
export function el(name, more = {}, ...inside) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(more)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== undefined && value !== null) node.setAttribute(key, value);
  }
  node.append(...inside.filter((one) => one !== null && one !== undefined));
  return node;
}

export function show(node, shown = true) {
  if (node) node.hidden = !shown;
}

/** Say something to the reader; `tone` is good, note or bad. */
export function message(text, tone = "note", more = []) {
  const node = $("[data-message]");
  node.className = `banner ${tone}`;
  node.replaceChildren(text, ...more);
  show(node, Boolean(text) || more.length > 0);
  if (text && tone === "bad") node.focus();
}

/** Say beside a field what is wrong with it, and go there; it is taken back when the field is changed. */
export function wrong(input, ...said) {
  const before = input.getAttribute("aria-describedby");
  const id = `${input.id}-wrong`;
  const text = el("p", { class: "wrong", id }, ...said);
  $(`#${CSS.escape(id)}`)?.remove();
  const field = input.closest(".field");
  if (field) field.append(text);
  else input.after(text);
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", [before?.replace(id, ""), id].filter(Boolean).join(" ").trim());
  input.focus();
  const right = () => {
    text.remove();
    input.removeAttribute("aria-invalid");
  };
  for (const kind of ["input", "change"]) input.addEventListener(kind, right, { once: true });
}

/** Say what is wanted beside the first field of a form that does not fit, in the page's language and not the browser's. */
export function fitting() {
  const faulty = "input:invalid, select:invalid, textarea:invalid";
  const wanted = ({ dataset, inputMode, validity }) => (dataset.thing !== undefined ? "thing_first" : validity.valueMissing ? "want_filled" : { decimal: "want_decimal", numeric: "want_count" }[inputMode]);
  const tell = (event) => {
    event.preventDefault();
    if (event.target === $(faulty, event.target.form)) wrong(event.target, say(wanted(event.target) ?? "field_wrong"));
  };
  document.addEventListener("invalid", tell, true);
}

export const item = (id) => `/console/item?id=${encodeURIComponent(id)}`;
export const caseOf = (id, subject) => `/console/case?id=${encodeURIComponent(id)}&item=${encodeURIComponent(subject)}`;

/** What a problem means, in the reader's language, by its type. */
export const meaning = (problem) => told.words.problem[String(problem?.type ?? "").split("#")[1]] ?? say("failed");

/** What the service says in its own language, for whoever is asked for help. */
export const technical = (detail) => el("small", { class: "technical" }, say("answer_of_service"), " ", el("span", { lang: "en" }, detail));

/** A problem: what it means, what may follow, and last what it says itself. */
export function explained(problem) {
  const parts = [el("strong", {}, meaning(problem))];
  if (problem?.may_follow?.length) parts.push(el("span", {}, `${say("may_follow")} ${problem.may_follow.map(typed).join(", ")}`));
  if (problem?.detail) parts.push(technical(problem.detail));
  return parts;
}

/** A case in a list. */
export function caseRow(row) {
  const tone = row.standing === "overdue" ? "bad" : row.standing === "due_soon" ? "note" : "plain";
  const facts = [word(row.kind), row.job_no, row.due_at ? say("due", { day: when(row.due_at) }) : null, row.waits_for ? word(row.waits_for) : null];
  return el("li", {},
    el("a", { href: caseOf(row.case, row.subject) }, row.name || say("name_none")), " ",
    row.standing ? el("span", { class: `pill ${tone}` }, word(row.standing)) : null,
    el("span", { class: "quiet" }, facts.filter(Boolean).join(" · ")));
}

/** An item in a list. */
export function itemRow(one) {
  return el("li", {}, el("a", { href: item(one.id) }, one.name || say("name_none")), " ",
    el("span", { class: "quiet" }, [one.category, one.state].filter(Boolean).map(word).join(" · ")),
    el("span", { class: "id" }, one.id));
}

/** Rows of what is known and what it is. */
export function facts(list, pairs) {
  list.replaceChildren(...pairs.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** Evidence as somebody stated it: its photos, then weight and whatever else the category asks for. */
export function evidence(said, attachments = []) {
  // The weight first, wherever it was stated: it stands beside that of the other time.
  const { weight_g, photos: _, ...rest } = said ?? {};
  const rows = Object.entries({ weight_g, ...rest });
  const list = el("dl", { class: "facts" });
  facts(list, rows.filter(([, value]) => value !== undefined).map(([name, value]) => [called(name), shown(value, name)]));
  const photos = attachments.filter((one) => one.media_type?.startsWith("image/"));
  // Beside the console: a form that is half filled in stays as it is.
  const linked = (one) => el("a", { href: `/v1/attachments/${one.sha256}`, target: "_blank", rel: "noopener" }, el("img", { src: `/v1/attachments/${one.sha256}/thumbnail`, alt: told.words.field.photo }));
  return [el("div", { class: "pictures" }, ...photos.map(linked)), list];
}
