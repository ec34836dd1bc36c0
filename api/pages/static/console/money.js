// The currency that amounts begin with: the one that was last taken in this browser, else that of the shop's country.

import { $$ } from "./draw.js";
import { know, known } from "./store.js";
import { told } from "./words.js";
import { ask, Offline } from "./wire.js";

/** Ask for the currency of the country that the party is registered in, once; a country without one is left alone. */
export async function layCurrency({ party }) {
  if ((await known("currency"))?.party === party) return;
  const { ok, body } = await ask("GET", `/p/${party.replace("urn:uuid:", "")}`);
  const code = ok && told.currencies[body.country];
  if (code) await know("currency", { party, code });
}

/** Choose it in every form of a page. */
export async function useCurrency(who) {
  const choices = $$("select[name=currency]");
  if (!choices.length) return;
  await layCurrency(who).catch((error) => {
    if (!(error instanceof Offline)) throw error;
  });
  const likely = await known("currency");
  for (const one of likely?.party === who.party ? choices : []) {
    // As the form's own value, so that an emptied form has it again.
    for (const option of one.options) option.defaultSelected = option.value === likely.code;
    one.value = likely.code;
  }
}

/** Remember what was taken. */
export async function spend(code, { party }) {
  if (code) await know("currency", { party, code });
}
