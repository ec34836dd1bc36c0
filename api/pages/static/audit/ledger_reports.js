// Reports: asked for, waited for, and their charts shown. A report is counted from the log; its JSON can be counted again
// by `patina report --verify`.

import { $, el, explained, message, show } from "./draw.js";
import { partyNames } from "./ledger_names.js";
import { say, told, when } from "./words.js";
import { ask } from "./wire.js";

const LOOK = 2000;
const MOST = 100; // parties of one report
const FORMATS = ["json", "csv", "xlsx", "svg"];

function open(report) {
  const at = (format) => `/v1/reports/${encodeURIComponent(report.id)}?format=${format}&language=${told.language}`;
  $("[data-image]").src = at("svg");
  $("[data-files]").replaceChildren(...FORMATS.map((format) => el("a", { class: "button", href: at(format), download: `report-${report.id}.${format}` }, format.toUpperCase())));
  show($("[data-chart]"));
  $("[data-chart]").scrollIntoView();
}

function row(report) {
  const state = say(`report_${report.state}`, { percent: report.percent });
  const name = `${report.asked?.period ?? ""} · ${when(report.made ?? report.asked_at)}`;
  const made = report.state === "made";
  return el("li", {}, made ? el("button", { type: "button", class: "plain", click: () => open(report) }, name) : name, " ", el("span", { class: `pill ${made ? "good" : "note"}` }, state), report.problem ? el("span", { class: "quiet", lang: "en" }, report.problem) : null);
}

async function list() {
  const { ok, body } = await ask("GET", "/v1/reports");
  if (!ok) return message("", "bad", explained(body));
  show($("[data-none]"), !body.reports.length);
  $("[data-rows]").replaceChildren(...body.reports.map(row));
  if (body.reports.some((one) => ["waiting", "counting"].includes(one.state))) setTimeout(list, LOOK);
  else message("");
}

export async function start() {
  const form = $("[data-ask]");
  const { parties } = await partyNames();
  const choice = form.elements.parties;
  const every = parties.length <= MOST ? [el("option", { value: parties.map(({ id }) => id).join(" ") }, say("all_parties"))] : [];
  choice.append(...every, ...parties.map(({ id, name }) => el("option", { value: id }, name)));
  show($("[data-parties]"), parties.length > 0);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { ok, body } = await ask("POST", "/v1/reports", { period: form.elements.period.value.trim(), parties: choice.value ? choice.value.split(" ") : [] });
    if (!ok) return message("", "bad", explained(body));
    message(say("report_asked"), "good");
    return list();
  });
  await list();
}
