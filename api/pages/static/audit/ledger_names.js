// Parties by their names, for whoever may list them: to others a party is its identifier.

import { el } from "./draw.js";
import { ask } from "./wire.js";

/** What a party is called; an identifier that is not known stands for itself. */
export async function partyNames() {
  const { ok, body } = await ask("GET", "/v1/parties");
  const parties = ok ? body.parties : [];
  const names = new Map(parties.map(({ id, name }) => [id, name]));
  return { parties, named: (id) => (names.has(id) ? el("span", {}, names.get(id), el("span", { class: "id" }, id)) : id) };
}
