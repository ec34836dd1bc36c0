// The lists: parties, keys, people, standards, webhooks, addresses, erasures. Whoever may read one may do what stands beside its
// rows; what a role may not read the service refuses, and the page says so.

import { $, el, explained, message, show } from "./draw.js";
import { act as button } from "./ledger_act.js";
import { partyNames } from "./ledger_names.js";
import { say, told, when, word } from "./words.js";
import { ask, segment } from "./wire.js";

const page = document.body.dataset.page;
const list = (values) => (values ?? []).map(word).join(", ");
const yes = (value) => say(value ? "yes" : "no");

const act = (name, ...what) => button(name, fill, ...what);

/** What each page reads, and each of its tables: the rows, and their columns by the names of the texts. */
const PAGES = {
  parties: {
    path: "/v1/parties",
    tables: [[(body) => body.parties, {
      name: (one) => one.name, id: (one) => one.id, roles: (one) => list(one.roles), country: (one) => one.country, keys_n: (one) => one.keys.length, suspended: (one) => yes(one.suspended),
      action: (one) => act(one.suspended ? "reinstate" : "suspend", "POST", `/v1/parties/${segment(one.id)}/${one.suspended ? "reinstate" : "suspend"}`, null, true),
    }]],
  },
  keys: {
    path: "/v1/keys",
    tables: [
      [(body) => body.signing, { signing_key: (one) => one.key, party: (one) => named(one.party), custody: (one) => word(one.custody), since: (one) => when(one.added_at), ended: (one) => (one.revoked_at_index === null ? "" : say("entry_n", { index: one.revoked_at_index })) }],
      [(body) => body.api, {
        api_key: (one) => one.label || one.id, party: (one) => named(one.party), scopes: (one) => one.scopes.join(", "), since: (one) => when(one.created_at), used: (one) => when(one.last_used_at), ended: (one) => when(one.revoked_at ?? one.expires_at),
        action: (one) => (one.revoked_at ? "" : act("revoke", "DELETE", `/v1/keys/${segment(one.id)}`)),
      }],
    ],
  },
  people: {
    path: "/v1/people",
    tables: [[(body) => body.people, {
      name: (one) => one.name, role: (one) => word(one.role), party: (one) => named(one.party), login: (one) => one.login, disabled: (one) => yes(one.disabled_at),
      action: (one) => act(one.disabled_at ? "enable" : "disable", "POST", `/v1/people/${segment(one.id)}`, { disabled: !one.disabled_at }),
    }]],
  },
  standards: {
    path: null,
    tables: [[(body) => body.standards, { name: (one) => one.name, id: (one) => one.party, standard: (one) => one.standard, words: (one) => el("ul", {}, ...one.words.map((text) => el("li", {}, text))) }]],
  },
  webhooks: {
    path: "/v1/webhooks",
    tables: [[(body) => body.webhooks, {
      url: (one) => one.url, party: (one) => named(one.party), events: (one) => one.events.join(", "), disabled: (one) => yes(one.disabled_at),
      action: (one) => (one.disabled_at ? "" : el("span", { class: "actions" }, act("test", "POST", `/v1/webhooks/${segment(one.id)}/test`, {}), act("disable", "DELETE", `/v1/webhooks/${segment(one.id)}`))),
    }]],
  },
  addresses: {
    path: "/v1/addresses",
    tables: [[(body) => body.addresses, {
      email: (one) => one.email, person: (one) => people.get(one.person)?.name ?? "", events: (one) => list(one.events), language: (one) => one.language, confirmed: (one) => (one.confirmed_at ? when(one.confirmed_at) : say("not_yet")),
      action: (one) => act("delete", "DELETE", `/v1/addresses/${segment(one.id)}`),
    }]],
  },
  erasures: {
    path: "/v1/erasures",
    tables: [[(body) => body.erasures, { id: (one) => one.id, asked_at: (one) => when(one.asked_at), asked_by: (one) => named(one.asked_by), why: (one) => word(one.why), state: (one) => word(one.state), until: (one) => when(one.until), parts: (one) => one.parts.length }]],
  },
};

/** The standards of the parties that one may list: all, or one's own. */
async function standards(who) {
  const parties = await ask("GET", "/v1/parties");
  const asked = parties.ok ? parties.body.parties : [{ id: who.party, name: "" }];
  const found = await Promise.all(asked.map(async ({ id, name }) => {
    const { ok, body } = await ask("GET", `/v1/parties/${segment(id)}/standards?language=${told.language.replace("-", "_")}`);
    return ok && body.words ? { party: id, name, standard: body.standard.map((one) => `${one.standard} ${one.version}`).join(", "), words: body.words.split("\n") } : null;
  }));
  return { standards: found.filter(Boolean) };
}

function table(rows, columns) {
  const named = Object.entries(columns).map(([name, column]) => [say(`column_${name}`), column]);
  const heads = named.map(([head]) => el("th", { scope: "col" }, head));
  // On a narrow screen each cell is a line of its own, with the head of its column before it.
  const body = rows.map((one) => el("tr", {}, ...named.map(([head, column]) => el("td", { "data-head": head }, column(one) ?? ""))));
  return el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...body));
}

let me;
let named;
const people = new Map();

/** The people whose address one may be, to choose from and to be named in the list. */
async function persons(choice) {
  const { ok, body } = await ask("GET", "/v1/people");
  const mine = ok ? body.people.filter((one) => one.party === me.party && !one.disabled_at) : [];
  for (const one of mine) people.set(one.id, one);
  choice.append(...mine.map((one) => el("option", { value: one.id }, `${one.name} (${word(one.role)})`)));
}

async function fill() {
  const { path, tables } = PAGES[page];
  const { ok, body } = path ? await ask("GET", path) : { ok: true, body: await standards(me) };
  if (!ok) return message("", "note", [el("strong", {}, say("not_your_role")), ...explained(body).slice(1)]);
  const shown = tables.map(([rows, columns]) => [rows(body), columns]).filter(([rows]) => rows.length);
  show($("[data-none]"), !shown.length);
  $("[data-tables]").replaceChildren(...shown.map(([rows, columns]) => table(rows, columns)));
}

export async function start(who) {
  me = who;
  const form = $("[data-add]");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { email, language, person } = form.elements;
    const events = [...form.querySelectorAll("[name=events]:checked:enabled")].map((one) => one.value);
    const answer = await ask("POST", PAGES[page].path, { email: email.value.trim(), language: language.value, person: person.value || null, events });
    if (!answer.ok) return message("", "bad", explained(answer.body));
    email.value = "";
    await fill();
    return message(say("done"), "good");
  });
  ({ named } = await partyNames());
  if (form) {
    const { person } = form.elements;
    const reports = $("[value='report.*']", form);
    const choose = () => { reports.disabled = !person.value; };
    person.addEventListener("change", choose);
    await persons(person);
    choose();
  }
  await fill();
}
