// Reports: asked for, waited for, and their charts shown. A report is counted from the log; its JSON can be counted again
// by `patina report --verify`.

import { $, el, explained, message, show, technical } from "./draw.js";
import { act } from "./ledger_act.js";
import { partyNames } from "./ledger_names.js";
import { say, told, when, word } from "./words.js";
import { ask, segment } from "./wire.js";

const LOOK = 2000;
const MOST = 100; // parties of one report

/** A dimension as the forms call it. */
const named = (by) => $(`#by [value=${by}]`)?.textContent ?? by;

function open(report) {
  const at = (format) => `/v1/reports/${encodeURIComponent(report.id)}?format=${format}&language=${told.language}`;
  $("[data-image]").src = at("svg");
  $("[data-files]").replaceChildren(...Object.keys(report.files).map((format) => (format === "disclosures"
    ? el("a", { class: "button plain", href: at(format), download: `disclosures-${report.id}.json` }, say("disclosures"))
    : el("a", { class: "button plain", href: at(format), download: `report-${report.id}.${format}` }, format.toUpperCase()))));
  show($("[data-chart]"));
  $("[data-chart]").scrollIntoView();
}

function row(report) {
  const state = say(`report_${report.state}`, { percent: report.percent });
  const scheduled = report.schedule ? say("scheduled_for", { role: word(report.role) }) : null;
  const facts = [word(report.asked?.period ?? ""), ...(report.asked?.by ?? []).map(named), scheduled, report.costs ? word("costs") : null, when(report.made ?? report.asked_at)];
  const name = facts.filter(Boolean).join(" · ");
  const made = report.state === "made";
  return el("li", {}, made ? el("button", { type: "button", class: "plain", click: () => open(report) }, name) : name, " ", el("span", { class: `pill ${made ? "good" : "note"}` }, state), report.problem ? technical(report.problem) : null);
}

async function list() {
  const { ok, body } = await ask("GET", "/v1/reports");
  if (!ok) return message("", "bad", explained(body));
  show($("[data-none]"), !body.reports.length);
  $("[data-rows]").replaceChildren(...body.reports.map(row));
  if (body.reports.some((one) => ["waiting", "counting"].includes(one.state))) setTimeout(list, LOOK);
  else message("");
}

/** What both forms ask alike. */
function more(form) {
  const { by, evidence, costs } = form.elements;
  return { by: by.value ? [by.value] : [], evidence: evidence.checked ? "gb27922" : "", costs: costs.checked };
}

/** What is counted by itself, and for whom; who may not schedule has no button and no form. */
async function schedules() {
  const { ok, body } = await ask("GET", "/v1/report-schedules");
  const found = ok ? body.schedules : [];
  $("[data-schedules]").replaceChildren(...found.map((one) => {
    const facts = [word(one.every), word(one.role), ...one.asked.by.map(named), one.costs ? word("costs") : null, say("next_on", { at: when(one.next_due) })];
    return el("li", {}, facts.filter(Boolean).join(" · "), " ", mayPlan ? act("end", schedules, "DELETE", `/v1/report-schedules/${segment(one.id)}`) : null);
  }));
}

/** The form by which a report is scheduled. */
function planning() {
  const form = $("[data-plan]");
  show(form, mayPlan);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { every, role } = form.elements;
    const answer = await ask("POST", "/v1/report-schedules", { every: every.value, role: role.value, ...more(form) });
    if (!answer.ok) return message("", "bad", explained(answer.body));
    await schedules();
    return message(say("done"), "good");
  });
}

/** Show the report that a mail has led to. */
async function led() {
  const id = new URLSearchParams(location.search).get("report");
  if (!id) return;
  const { ok, body } = await ask("GET", `/v1/reports/${segment(id)}`);
  if (!ok) message("", "bad", explained(body));
  else if (body.state === "made") open(body);
}

let mayPlan = false;

export async function start(who) {
  mayPlan = ["owner", "manager"].includes(who.role);
  const form = $("[data-ask]");
  const { parties } = await partyNames();
  const choice = form.elements.parties;
  const every = parties.length <= MOST ? [el("option", { value: parties.map(({ id }) => id).join(" ") }, say("all_parties"))] : [];
  choice.append(...every, ...parties.map(({ id, name }) => el("option", { value: id }, name)));
  show($("[data-parties]"), parties.length > 0);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { ok, body } = await ask("POST", "/v1/reports", { period: form.elements.period.value.trim(), parties: choice.value ? choice.value.split(" ") : [], ...more(form) });
    if (!ok) return message("", "bad", explained(body));
    message(say("report_asked"), "good");
    return list();
  });
  planning();
  await schedules();
  await list();
  await led();
}
