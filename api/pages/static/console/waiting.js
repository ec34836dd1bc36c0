// What waits to be sent, and what was refused, with the reason: nothing that was recorded here is lost silently.

import { $, caseOf, el, explained, item, show } from "./draw.js";
import { reason } from "./conflict.js";
import { say, told, typed, when } from "./words.js";
import { again, discard, REFUSED, send, watch } from "./queue.js";
import { all } from "./store.js";
import { idIn } from "./things.js";
import { Offline } from "./wire.js";

/** Why a record was refused and what to do next, in words; then what the service said. Without a network, only that. */
async function explain(record) {
  const found = await reason(record).catch((error) => {
    if (error instanceof Offline) return null;
    throw error;
  });
  if (!found) return explained(record.problem);
  const { why, subject, about } = found;
  return [
    el("strong", {}, told.words.text[why]),
    el("span", {}, told.words.text[why.replace("why_", "next_")]),
    el("a", { href: about ? caseOf(about, subject) : item(subject) }, say(about ? "to_case" : "to_item")),
    ...explained(record.problem),
  ];
}

/** What a record is about, as the shop knows it: its name or job number, else the end of the thing's id. */
function about({ statements, called }) {
  const said = statements.map((one) => one.statement.details);
  const names = [called, ...["name", "job_no"].map((member) => said.map((details) => details[member]).find(Boolean))].filter((one) => one && !idIn(one));
  return names.length ? names.join(" · ") : `…${statements[0].statement.subjects[0].slice(-12)}`;
}

/** Nothing takes a record away by a slip of the finger: it is nowhere else. */
const takeAway = (record) => window.confirm(say("take_away_ask", { what: `${typed(record.form)} · ${about(record)}` })) && discard(record.id);

/** The photographs of a record, as they wait here. */
function pictures({ photos = [] }) {
  const files = photos.map((photo) => photo.file).filter(Boolean);
  return files.map((file) => {
    const address = URL.createObjectURL(file);
    return el("img", { src: address, alt: told.words.field.photo, load: () => URL.revokeObjectURL(address) });
  });
}

async function draw(who) {
  const records = await all();
  const reasons = await Promise.all(records.map((one) => (one.state === REFUSED ? explain(one) : null)));
  const rows = records.map((one, number) => {
    const mine = one.who.agent === who.agent && one.who.party === who.party;
    const buttons = [
      one.state === REFUSED && mine ? el("button", { type: "button", class: "plain", click: async () => { await again(one); await send(who); } }, say("try_again")) : null,
      mine ? el("button", { type: "button", class: "plain", click: () => takeAway(one) }, say("take_away")) : null,
    ];
    const state = reasons[number] ?? [el("span", { class: "quiet" }, mine ? say("queue_waits") : say("queue_of", { name: one.who.name }))];
    return el("li", { class: one.state === REFUSED ? "bad" : "" }, el("strong", {}, `${typed(one.form)} · ${about(one)}`), " ", el("span", { class: "quiet" }, `${when(one.made_at)} · ${say(one.key ? "queue_signed" : "queue_unsigned")}`), ...pictures(one), el("div", { class: one.state === REFUSED ? "banner" : "" }, ...state), el("p", { class: "actions" }, ...buttons));
  });
  const list = $("[data-rows]");
  const acted = list.contains(document.activeElement);
  list.replaceChildren(...rows);
  // Her button is gone with its row.
  if (acted) $("[data-send]").focus();
  show($("[data-none]"), rows.length === 0);
}

export async function start(who) {
  watch(() => draw(who));
  $("[data-send]").addEventListener("click", () => send(who));
  await draw(who);
}
