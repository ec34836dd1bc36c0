// Things registered from a table: every row is looked at, here and by the service, before any is recorded.

import { $, el, meaning, message, show, technical } from "./draw.js";
import { say, told } from "./words.js";
import { make, newId } from "./making.js";
import { keep, send } from "./queue.js";
import { read, Unreadable } from "./sheet.js";
import { ask, segment } from "./wire.js";

const COLUMNS = ["name", "category", "brand", "model", "gtin", "serial"];
const LONGEST = { name: 200, category: 120, brand: 120, model: 120, gtin: 14, serial: 20 };
const AT_ONCE = 200;
const FORM = { name: "register", steps: [{ type: "item.registered", details: { origin: "imported" }, when: "", subjects: ["thing"] }], fields: COLUMNS.slice(0, 4).map((name) => ({ name, kind: "text", to: [`item.registered:details/${name}`] })) };

/** Whether the last digit of a GTIN is the one that GS1 computes (General Specifications 7.9). */
function rightGtin(text) {
  if (!/^([0-9]{8}|[0-9]{12,14})$/.test(text)) return false;
  const sum = [...text.padStart(14, "0")].slice(0, 13).reduce((all, digit, at) => all + Number(digit) * (at % 2 ? 1 : 3), 0);
  return (10 - (sum % 10)) % 10 === Number(text.at(-1));
}

/** Which column is which, by the words of any language of ours; `null` without name and category. */
function heads(row) {
  const named = row.map((text) => COLUMNS.find((name) => told.columns[name].includes(text.toLowerCase())) ?? null);
  return named.includes("name") && named.includes("category") ? named : null;
}

function faultsOf(row, seen) {
  const faults = [];
  for (const name of ["name", "category"]) if (!row[name]) faults.push(say("fault_missing", { field: told.words.field[name] }));
  for (const name of COLUMNS) if ((row[name] ?? "").length > LONGEST[name]) faults.push(say("fault_long", { field: told.words.field[name] }));
  if (Boolean(row.gtin) !== Boolean(row.serial)) faults.push(say("fault_pair"));
  if (row.gtin && !rightGtin(row.gtin)) faults.push(say("fault_gtin"));
  if (row.id) {
    if (seen.has(row.id)) faults.push(say("fault_twice", { row: seen.get(row.id) }));
    else seen.set(row.id, row.number);
  }
  return faults;
}

/** The rows of a table with what is wrong with each, before the service is asked. */
function judged(table, named) {
  const seen = new Map();
  return table.slice(1).map((cells, at) => {
    const row = { number: at + 2 };
    named.forEach((name, column) => name && (row[name] = cells[column] ?? ""));
    row.id = row.gtin && row.serial ? `https://id.gs1.org/01/${row.gtin.padStart(14, "0")}/21/${segment(row.serial)}` : null;
    row.faults = faultsOf(row, seen);
    return row;
  });
}

/** Ask the service about the rows without a fault; what it would refuse is a fault, too. */
async function asked(rows, who) {
  const bar = $("[data-progress]");
  show(bar);
  bar.max = rows.length;
  for (let at = 0; at < rows.length; at += AT_ONCE) {
    const part = rows.slice(at, at + AT_ONCE);
    for (const row of part) [row.value] = make(FORM, row, { things: { thing: row.id ?? newId() }, who }).statements;
    const answer = await ask("POST", "/v1/check", part.map((row) => row.value));
    if (!answer.ok) throw new Unreadable("failed");
    answer.body.results.forEach((one, number) => one.would === "refuse" && part[number].faults.push(meaning(one.problem), technical(one.problem.detail)));
    bar.value = at + part.length;
  }
  show(bar, false);
}

function draw(rows) {
  const wrong = rows.filter((row) => row.faults.length);
  const right = rows.length - wrong.length;
  const columns = [say("row"), ...COLUMNS.map((name) => told.words.field[name]), say("faults")];
  $("[data-heads]").replaceChildren(...columns.map((text) => el("th", { scope: "col" }, text)));
  // What is wrong stands first; of the rest a few show that the columns were understood.
  const shown = [...wrong, ...rows.filter((row) => !row.faults.length)].slice(0, 100);
  $("[data-table]").replaceChildren(...shown.map((row) => el("tr", { class: row.faults.length ? "bad" : "" }, ...[String(row.number), ...COLUMNS.map((name) => row[name] ?? ""), row.faults.length ? el("div", {}, ...row.faults.flatMap((one) => [one, " "])) : ""].map((text, at) => el("td", { "data-head": columns[at] }, text)))));
  $("[data-count]").textContent = rows.length;
  $("[data-verdict]").textContent = say("register_verdict", { right, wrong: wrong.length });
  $("[data-register]").disabled = right === 0;
  show($("[data-preview]"));
}

async function register(rows, who) {
  const good = rows.filter((row) => !row.faults.length);
  let done = 0;
  for (let at = 0; at < good.length; at += AT_ONCE) {
    const part = good.slice(at, at + AT_ONCE);
    const kept = await keep(FORM, { statements: part.map((row) => row.value), photos: [] }, who, []);
    const outcome = await send(who, kept.id);
    if (outcome.sent) done += part.length;
  }
  message(done === good.length ? say("register_done", { n: done }) : say("register_part", { n: done, all: good.length }), done === good.length ? "good" : "note");
}

export async function start(who) {
  const form = $("[data-form=table]");
  const button = $("[data-register]");
  let rows = [];
  form.elements.file.addEventListener("change", async () => {
    message("");
    show($("[data-preview]"), false);
    const [file] = form.elements.file.files;
    if (!file) return;
    try {
      const table = await read(file);
      const named = table.length > 1 ? heads(table[0]) : null;
      if (!named) throw new Unreadable("register_heads");
      rows = judged(table, named);
      await asked(rows.filter((row) => !row.faults.length), who);
      draw(rows);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      message(say(error.message), "bad");
    }
  });
  button.addEventListener("click", async () => {
    button.disabled = true;
    await register(rows, who);
  });
}
