// Risk signals, the most urgent first, each with the entries that caused it.

import { $, el, explained, message, show } from "./draw.js";
import { partyNames } from "./ledger_names.js";
import { say, when, word } from "./words.js";
import { ask } from "./wire.js";

const TONES = { high: "bad", medium: "note", low: "plain" };
const SHOWN = 20;

/** What a signal rests on, in words: a rate, the scans of a code, a key that was in other hands, or a count. */
function because(figures) {
  if ("doubtful" in figures) return say("risk_key", { ...figures, since: when(figures.since) });
  if ("days_before" in figures) return say("risk_scans", { ...figures, day: when(figures.day) });
  return say("of" in figures ? "risk_rate" : "risk_count", figures);
}

function row(signal, named) {
  const links = signal.entries.slice(0, SHOWN).flatMap((index) => [el("a", { href: `/console/ledger/tree?index=${index}` }, say("entry_n", { index })), " "]);
  const more = signal.entries.length - SHOWN;
  return el("li", {},
    el("span", { class: `pill ${TONES[signal.severity]}` }, word(signal.severity)), " ", el("strong", {}, word(signal.kind)),
    el("div", {}, named(signal.party)),
    el("p", { class: "quiet" }, because(signal.figures)),
    ...links, more > 0 ? say("and_more", { n: more }) : null);
}

export async function start() {
  const { ok, body } = await ask("GET", "/v1/risks");
  if (!ok) return message("", "bad", explained(body));
  const { named } = await partyNames();
  show($("[data-none]"), !body.signals.length);
  $("[data-rows]").replaceChildren(...body.signals.map((one) => row(one, named)));
}
