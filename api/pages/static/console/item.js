// A thing: how it stands, its cases, what was said about it, and the codes and papers that lead to it.

import { $, $$, caseOf, el, explained, facts, message, show } from "./draw.js";
import { called, pair, say, shown, told, typed, when, word } from "./words.js";
import { historyOf, itemOf } from "./things.js";
import { papers } from "./papers.js";
import { ask, segment } from "./wire.js";

/** What stands behind a statement's digests, in words, for whoever may see it. */
export function privately(members) {
  const flat = (value) => (Array.isArray(value) ? value.map(flat).join(", ") : value && typeof value === "object" ? "amount" in value ? shown(value) : Object.values(value).map(flat).join(" ") : String(value));
  return Object.entries(members).map(([name, value]) => el("p", { class: "private" }, pair(called(name), flat(value))));
}

/** By whom a holder's statement is: whoever saw a receipt has its code, so the counter is told how the key is kept. */
function spokenBy({ custody, reset }) {
  return el("p", { class: "by" }, [say(`by_holder_${custody}`, {}, told.speakers), reset ? say("by_reset", {}, told.speakers) : null].filter(Boolean).join(". "));
}

/** An entry of a history. */
export function entryRow(entry) {
  const { statement } = entry;
  const { evidence: seen, ...details } = statement.details;
  const said = Object.entries({ ...details, ...(seen ? { weight_g: seen.weight_g, changed: seen.reason } : {}) }).filter(([, value]) => value !== undefined).map(([name, value]) => pair(called(name), shown(value, name)));
  const photos = (statement.attachments ?? []).filter((one) => one.media_type.startsWith("image/"));
  return el("li", {}, el("strong", {}, typed(statement.type)), " ", el("span", { class: "quiet" }, when(statement.occurred_at)),
    ...(entry.spoken ? [spokenBy(entry.spoken)] : []), el("p", {}, said.join(" · ")), ...privately(entry.private),
    ...photos.map((one) => el("img", { src: `/v1/attachments/${one.sha256}/thumbnail`, alt: told.words.field.photo })));
}

/** A code that was just made: its page to open and print, and the short code to read out. */
function made(answer) {
  if (!answer.ok) return explained(answer.body);
  const { page, short_code: short } = answer.body;
  return [el("p", {}, el("a", { class: "button", href: new URL(page).pathname, target: "_blank", rel: "noopener" }, say("paper_print"))),
    short ? el("p", {}, `${say("short_code")} `, el("strong", { class: "short" }, short)) : null].filter(Boolean);
}

/** A right in force, in the words that the customer reads on her page: until when, by which rule, and whose. */
function rightRow(one) {
  const said = (key, values) => say(key, values, told.rights);
  const source = { house: "source_house", sale: "right_source_sale", repair: "right_source_repair" }[one.source];
  const until = [one.until && said("right_until", { when: when(one.until) }), one.due && said("right_due", { when: when(one.due) })].filter(Boolean);
  const why = said("right_why", { rule: said(`rule_${one.rule}`), source: source ? said(source) : one.source });
  return el("li", {}, el("strong", {}, said(`right_${one.right}`)), " ", until.join(" "), el("p", { class: "quiet" }, why));
}

/** What a case is called: its kind, and the job number by which a shop knows it. */
function casewords({ case: about }, history) {
  const opened = history.find(({ statement }) => statement.type === "case.opened" && statement.case === about);
  const { kind, job_no: job } = opened?.statement.details ?? {};
  return kind ? [word(kind), job].filter(Boolean).join(" · ") : say("case");
}

export async function start(who) {
  const id = new URLSearchParams(location.search).get("id") ?? "";
  const found = await itemOf(id);
  if (!found) {
    message(told.words.problem.not_found, "bad");
    return;
  }
  for (const node of $$("[data-fill]")) node.textContent = node.dataset.fill === "category" ? word(found.category ?? "") : (found[node.dataset.fill] ?? "");
  document.title = `${found.name} · ${told.words.text.brand}`;
  // What is at work is most likely handed over, and anything else taken in.
  const likely = found.cases.some((one) => !one.closed) ? "handover" : "intake";
  $("[data-flows]").replaceChildren(...told.flows.filter((flow) => told.roles[who.role]?.includes(flow)).map((flow) => el("a", { class: flow === likely ? "button" : "button plain", href: `/console/${flow}?item=${encodeURIComponent(id)}` }, typed(flow))));
  $("[data-state]").textContent = word(found.state);
  facts($("[data-facts]"), [[say("brand_of"), [found.brand, found.model].filter(Boolean).join(" ")], ...found.certificates.map((one) => [say("by_certificate_no"), one.certificate_no])]);
  const rights = found.rights?.in_force ?? [];
  $("[data-rights]").replaceChildren(...rights.map(rightRow));
  show($("[data-no-warranty]"), !rights.some((one) => one.right === "free_repair"));
  const history = await historyOf(id);
  const open = [...found.cases].reverse();
  $("[data-cases]").replaceChildren(...open.map((one) => el("li", {}, el("a", { href: caseOf(one.case, id) }, casewords(one, history)), " ", el("span", { class: "quiet" }, `${when(one.opened_at)} · ${one.closed ? typed("case.closed") : say("list_open")}`))));
  show($("[data-none]"), open.length === 0);
  $("[data-code]").addEventListener("click", async () => $("[data-made]").replaceChildren(...made(await ask("POST", `/v1/items/${segment(id)}/codes`, { kind: "view" }))));
  $("[data-papers]").append(...papers({ kind: "sale", items: [id] }, { kind: "gift", items: [id] }));
  $("[data-history]").replaceChildren(...history.reverse().map(entryRow));
}
