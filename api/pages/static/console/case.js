// A case: how it stands, and the steps that the ledger would accept next from this person; nothing else is offered.

import { $, $$, facts, item, message, show } from "./draw.js";
import { say, told, typed, when, word } from "./words.js";
import { historyOf, itemOf } from "./things.js";
import { entryRow } from "./item.js";
import { byKeyboard, pointed, record, told_of, valuesOf } from "./form.js";
import { sides } from "./sides.js";
import { spend, useCurrency } from "./money.js";
import { papers } from "./papers.js";
import { ask } from "./wire.js";

const asked = new URLSearchParams(location.search);

async function load() {
  const [id, subject] = [asked.get("id") ?? "", asked.get("item")];
  const answer = await ask("GET", `/v1/cases/${encodeURIComponent(id)}${subject ? `?item=${encodeURIComponent(subject)}` : ""}`);
  return answer.ok ? answer.body : null;
}

function draw(found, thing, entries, who) {
  $("[data-fill=kind]").textContent = `${word(found.kind)} · ${word(found.status)}`;
  $("[data-fill=case]").textContent = found.case;
  const link = $("[data-item]");
  link.textContent = thing?.name ?? say("item");
  link.href = item(found.subject);
  const running = found.deadlines.filter((one) => one.due_at && !one.stopped_at);
  facts($("[data-facts]"), [
    ...running.map((one) => [word(one.clock), `${say("due", { day: when(one.due_at) })} · ${word(one.standing)}`]),
    [say("promised"), when(found.steps[0]?.details.promised)],
    [say("by_job_no"), found.steps[0]?.details.job_no],
    [say("lacking"), (found.deviations ?? []).map((one) => one.step.split("|").map(typed).join(" / ")).join(", ")],
  ]);
  // The ledger lets an open case be opened again, as a record of what was said; at a counter it would only mislead.
  const allowed = new Set(found.next_steps.allowed.filter((one) => found.closed || one !== "case.reopened"));
  const spoken = new Set(told.roles[who.role] ?? []);
  const expected = new Set((found.next_steps.expected ?? "").split("|"));
  for (const details of $$("[data-step]")) {
    show(details, allowed.has(details.dataset.step) && spoken.has(details.dataset.step));
    show($("[data-expected]", details), expected.has(details.dataset.step));
  }
  // What the standard expects stands first.
  const steps = $("[data-steps]");
  steps.prepend(...$$("[data-step]", steps).filter((one) => expected.has(one.dataset.step)));
  const over = $("[data-handover]");
  show(over, allowed.has("case.handed_over") && spoken.has("handover"));
  $("a", over).href = `/console/handover?item=${encodeURIComponent(found.subject)}`;
  sides(entries, found.case, false);
  const things = [{ item: found.subject, case: found.case }];
  show($("[data-papers]").parentNode, found.subject !== found.case);
  $("[data-papers]").replaceChildren(...papers({ kind: "intake", items: things }, { kind: "handover", items: things }));
  $("[data-history]").replaceChildren(...entries.filter((one) => one.statement.case === found.case).reverse().map(entryRow));
}

export async function start(who) {
  const found = await load();
  if (!found) {
    message(told.words.problem.not_found, "bad");
    return;
  }
  const again = async () => {
    const now = (await load()) ?? found;
    draw(now, await itemOf(now.subject), await historyOf(now.subject), who);
  };
  await useCurrency(who);
  for (const form of $$("form[data-form]")) {
    const declared = told.forms[form.dataset.form];
    byKeyboard(form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = $("button:not([type=button])", form);
      button.disabled = true;
      const about = { things: { thing: found.subject }, about: found.case, called: $("[data-item]").textContent };
      const values = valuesOf(form, declared);
      const became = await record(declared, values, about, who);
      button.disabled = false;
      if (!became) return;
      if (!told_of(became)) {
        pointed(form, declared, became);
        return;
      }
      await spend(values.currency, who);
      form.reset();
      form.closest("details").open = false;
      await again();
      // Her place is what comes next; what she opened may not be offered any more.
      $$("[data-steps] > details:not([hidden]) > summary").at(0)?.focus();
    });
  }
  await again();
}
