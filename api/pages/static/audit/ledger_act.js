// A button that does something to a row of a list, after it has asked once more.

import { $, el, explained, message, show } from "./draw.js";
import { say } from "./words.js";
import { ask } from "./wire.js";

/** The button; with `reason` it asks for one, which the log will say. `then` is what shows the list again. */
export function act(name, then, method, path, body, reason = false) {
  const button = el("button", { type: "button", class: "plain" }, say(name));
  const field = reason ? el("input", { "aria-label": say("reason"), placeholder: say("reason"), maxlength: "200" }) : null;
  show(field, false);
  button.addEventListener("click", async () => {
    if (!button.dataset.sure) {
      button.dataset.sure = "1";
      button.textContent = say("really", { what: say(name) });
      show(field);
      field?.focus();
      return;
    }
    const answer = await ask(method, path, reason ? { reason: field.value.trim() } : body);
    if (!answer.ok) return message("", "bad", explained(answer.body));
    await then();
    message(say("done"), "good");
    // Her button is gone with its row, and its place stays.
    return $("[data-message]").focus({ preventScroll: true });
  });
  return el("span", {}, field, button);
}
