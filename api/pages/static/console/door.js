// Coming in: by choosing oneself and a PIN on a shared tablet, or by login and password, or by the identity
// provider that the operator configured.

import { $, $$, el, explained, message, show, wrong } from "./draw.js";
import { say, told } from "./words.js";
import { ask, Offline } from "./wire.js";

/** Where to go after coming in: a page of the console, never another place. */
function next() {
  const asked = new URLSearchParams(location.search).get("next") ?? "";
  return /^\/console(\/[a-z]+){0,2}(\?.*)?$/.test(asked) ? asked : "/console";
}

/** Come in; `field` is what was typed wrong, and `why` says so, if nobody is let in with it. */
async function come(path, body, field, why) {
  try {
    const answer = await ask("POST", path, body);
    if (answer.ok) location.assign(next());
    else if (answer.status === 401) wrong(field, say(why));
    else message("", "bad", explained(answer.body));
  } catch (error) {
    if (!(error instanceof Offline)) throw error;
    message(say("failed"), "bad");
  }
}

function choose(person, form, chosen) {
  for (const one of $$(".person")) one.setAttribute("aria-pressed", one === chosen);
  form.dataset.person = person.id;
  $("[data-chosen]").textContent = person.name;
  show(form);
  $("#pin").focus();
}

/** The way by the identity provider, and why it let nobody in, if it brought the browser here. */
function provider() {
  const link = $("[data-oidc]");
  if (!link) return;
  link.search = new URLSearchParams({ next: next() });
  const why = `oidc_${new URLSearchParams(location.search).get("refused")}`;
  if (why in told.words.text) message(say(why), "bad");
}

export async function start() {
  provider();
  const pin = $("[data-form=pin]");
  pin.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = pin.elements.pin.value;
    pin.reset();
    come("/v1/session/pin", { person: pin.dataset.person, pin: typed }, pin.elements.pin, "pin_wrong");
  });
  const password = $("[data-form=password]");
  password.addEventListener("submit", (event) => {
    event.preventDefault();
    come("/v1/session", { login: password.elements.login.value, password: password.elements.password.value }, password.elements.password, "login_wrong");
  });
  const device = $("[data-form=device]");
  device.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await ask("POST", "/v1/session/device", { device_key: device.elements.device_key.value.trim() });
    device.reset();
    if (answer.ok) message(say("tablet_made"), "good");
    else message("", "bad", explained(answer.body));
    await people(pin);
  });
  await people(pin);
}

async function people(form) {
  const answer = await ask("GET", "/v1/session/people");
  if (!answer.ok) return;
  show($("[data-tablet]"));
  const buttons = answer.body.people.map((one) => el("button", { type: "button", class: "person", "aria-pressed": "false", click: ({ currentTarget }) => choose(one, form, currentTarget) }, one.name));
  $("[data-people]").replaceChildren(...buttons);
  buttons[0]?.focus();
}
