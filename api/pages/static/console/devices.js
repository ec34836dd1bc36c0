// The shop's tablets: what this browser is, making it one that signs, and revoking one. What is secret of it is in a
// cookie and in a store, and seen by nobody.

import { $, el, explained, message, show } from "./draw.js";
import { say } from "./words.js";
import { canSign, enrolled, follow, keyHere, letIn, pair } from "./tablet.js";
import { ask, Offline, session } from "./wire.js";

const MANAGERS = ["owner", "manager"];

/** Revoke a tablet, having asked once more. */
async function revoke({ id, label }, drawn) {
  if (!window.confirm(say("revoke_ask", { label }))) return;
  const { ok, body } = await ask("DELETE", `/v1/devices/${id}`);
  if (!ok) message("", "bad", explained(body));
  // Who came in by PIN on the one that she revoked is out.
  const here = await session();
  if (!here) location.assign("/console/door");
  else await follow(here).then(drawn);
}

async function list(drawn) {
  const answer = await ask("GET", "/v1/devices");
  const rows = answer.ok ? answer.body.devices.filter((one) => !one.revoked_at) : [];
  $("[data-devices]").replaceChildren(...rows.map((one) => el("li", {},
    el("strong", {}, one.label), " ",
    el("span", { class: "quiet" }, say(one.key ? "device_signs" : "device_unsigned")),
    el("button", { type: "button", class: "plain", click: () => revoke(one, drawn) }, say("revoke")))));
}

/** Show what this browser is, for those who may change it. */
export async function tablets(who) {
  const form = $("[data-form=tablet]");
  const button = $("[data-let-sign]");
  const drawn = async () => {
    const [here, key, can] = [await enrolled(who), await keyHere(who), await canSign()];
    $("[data-tablet-state]").textContent = say(key ? "tablet_signs" : !can ? "tablet_cannot" : here ? "tablet_unsigned" : "tablet_none");
    await list(drawn);
    show(form, !here);
    show(button, here && !key && can);
  };
  const buttons = [button, $("button", form)];
  const became = async (asked) => {
    // One touch, one key.
    for (const one of buttons) one.disabled = true;
    const answer = await asked.catch((error) => {
      if (error instanceof Offline) return { ok: false };
      throw error;
    });
    for (const one of buttons) one.disabled = false;
    if (answer.ok) message(say((await keyHere(who)) ? "tablet_signs" : "tablet_made"), "good");
    else message("", "bad", explained(answer.body));
    if (!answer.ok && !answer.body) return;
    await follow(await session());
    await drawn();
  };
  if (!MANAGERS.includes(who.role)) return;
  show($("[data-tablets]"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await became(pair(form.elements.label.value));
  });
  button.addEventListener("click", () => became(letIn()));
  await drawn();
}
