// Finding a thing by whatever the customer has or says. One hit opens at once.

import { $, el, explained, item, itemRow, message, show } from "./draw.js";
import { say } from "./words.js";
import { find, itemOf } from "./things.js";

const MOST = 20;

async function look(text, kind) {
  message("");
  let found;
  try {
    found = await find(text, kind);
  } catch (problem) {
    if (problem instanceof Error) throw problem;
    message("", "bad", explained(problem));
    return;
  }
  const known = (await Promise.all(found.slice(0, MOST).map((one) => (one.name ? one : itemOf(one.id))))).filter(Boolean);
  if (known.length === 1) {
    location.assign(item(known[0].id));
    return;
  }
  const section = $("[data-results]");
  $("[data-rows]", section).replaceChildren(...known.map(itemRow), ...(known.length ? [] : [el("li", {}, say("found_none"))]));
  $("[data-count]", section).textContent = known.length;
  show($("[data-unknown]", section), known.length === 0);
  show(section);
}

export async function start() {
  const form = $("[data-form=find]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look(form.elements.text.value, form.elements.kind.value);
  });
  form.elements.text.addEventListener("change", () => {
    if (/^https?:/.test(form.elements.text.value)) look(form.elements.text.value, "any");
  });
  // Behind the hash: what was typed is nobody's business but this page's, and servers are not sent it.
  const asked = new URLSearchParams(location.hash.slice(1)).get("text");
  history.replaceState(null, "", location.pathname);
  if (asked) {
    form.elements.text.value = asked;
    await look(asked, "any");
  } else form.elements.text.focus();
}
