// Work lists, the most urgent first: each is one request, and says how many rows it has.

import { $, $$, caseRow, el, itemRow, show } from "./draw.js";
import { say, when } from "./words.js";
import { tablets } from "./devices.js";
import { layIn } from "./laid_in.js";
import { layCurrency } from "./money.js";
import { known } from "./store.js";
import { ask, Offline } from "./wire.js";

const CASES = {
  overdue: "overdue=true&closed=false",
  due_soon: "due_soon=true&closed=false",
  waiting: "waiting=customer&closed=false",
  mine: "mine=true&closed=false",
  held: "held=14&closed=false",
  repeated: "repeated=true&closed=false",
  open: "closed=false",
};
const SHOWN = 10;

async function fill(section, address) {
  const answer = await ask("GET", address);
  const none = $("[data-none]", section);
  if (!answer.ok) {
    none.textContent = say("list_failed");
    show(none);
    return;
  }
  const rows = answer.body.cases ?? answer.body.items;
  const drawn = rows.map((row) => (row.case ? caseRow(row) : itemRow({ ...row, id: row.subject ?? row.id, category: row.next_due ? when(row.next_due) : row.category })));
  const list = $("[data-rows]", section);
  list.append(...drawn);
  const more = $("[data-more]", section);
  show(more, Boolean(answer.body.next));
  more.onclick = () => fill(section, new URL(answer.body.next).pathname + new URL(answer.body.next).search);
  $("[data-count]", section).textContent = list.children.length + (answer.body.next ? "+" : "");
  show(none, list.children.length === 0);
  section.classList.toggle("empty", list.children.length === 0);
}

/** Without a network: the open cases as this tablet last saw them, each ready to be handed over. */
async function laid() {
  const cases = (await known("cases")) ?? [];
  for (const section of $$("[data-list]")) show(section, section.dataset.list === "open" && cases.length > 0);
  const open = $("[data-list=open]");
  $("[data-rows]", open).replaceChildren(...cases.map(({ subject, name, job_no: job }) => el("li", {},
    el("a", { href: `/console/handover?item=${encodeURIComponent(subject)}` }, name || say("name_none")), " ", el("span", { class: "quiet" }, job ?? ""))));
  $("[data-count]", open).textContent = cases.length;
  show($("[data-more]", open), false);
  $("[data-laid]").textContent = say(cases.length ? "lists_laid" : "lists_offline");
  show($("[data-laid]"));
}

export async function start(who) {
  try {
    await fillAll(who);
  } catch (error) {
    if (error instanceof Offline) await laid();
    throw error;
  }
}

async function fillAll(who) {
  await tablets(who);
  // The first two decide the day: they are asked for before the rest.
  for (const section of $$("[data-list]")) {
    const name = section.dataset.list;
    await fill(section, name === "maintenance" ? `/v1/maintenance?limit=${SHOWN}` : `/v1/cases?${CASES[name]}&limit=${SHOWN}`);
  }
  await layIn(who);
  await layCurrency(who);
}
