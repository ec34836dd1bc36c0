// What waits to be sent, and what was refused, with the reason: nothing that was recorded here is lost silently.

import { $, el, explained, show } from "./draw.js";
import { say, typed, when } from "./words.js";
import { again, discard, REFUSED, send, watch } from "./queue.js";
import { all } from "./store.js";

async function draw(who) {
  const records = await all();
  const rows = records.map((one) => {
    const mine = one.who.agent === who.agent && one.who.party === who.party;
    const buttons = [
      one.state === REFUSED && mine ? el("button", { type: "button", class: "plain", click: async () => { await again(one); await send(who); } }, say("try_again")) : null,
      mine ? el("button", { type: "button", class: "plain", click: () => discard(one.id) }, say("take_away")) : null,
    ];
    const state = one.state === REFUSED ? explained(one.problem) : [el("span", { class: "quiet" }, mine ? say("queue_waits") : say("queue_of", { name: one.who.name }))];
    return el("li", { class: one.state === REFUSED ? "bad" : "" }, el("strong", {}, typed(one.form)), " ", el("span", { class: "quiet" }, when(one.made_at)), el("p", {}, ...state), ...buttons);
  });
  $("[data-rows]").replaceChildren(...rows);
  show($("[data-none]"), rows.length === 0);
}

export async function start(who) {
  watch(() => draw(who));
  $("[data-send]").addEventListener("click", () => send(who));
  await draw(who);
}
