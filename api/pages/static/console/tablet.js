// This browser as a shared tablet that signs: its key, and what it signs for the shop.
//
// The key is made here, so that no script can read it out where the browser has such keys, and is one of the shop's own
// in the log once an owner or manager has let it in. With it a statement is whole when it is made, network or not: its
// canonical bytes are signed, its private members are disclosures with salts of here. The modules that sign are those
// of the owner's page. Without a key the service signs what it is sent, as for every program.

import { told } from "./words.js";
import { alter, know, known } from "./store.js";
import { newId, stamp } from "./making.js";
import { ask, session } from "./wire.js";

const modules = () => Promise.all(["owner_keys.js", "owner_says.js", "json.js"].map((name) => import(told.modules + name)));

/** The key to sign with for this party now, `{did, signer, ledger, …}`; `null` where the service signs. */
export async function keyHere({ party }) {
  const kept = await known("tablet");
  return kept?.counts && kept.party === party ? kept : null;
}

/** Whether this browser is an enrolled tablet of the party. */
export const enrolled = async ({ party }) => (await known("tablet"))?.party === party;

/** Take over what the service says of this tablet to whoever is in: whether the key that lies here counts. */
export async function follow({ party, tablet, ledger }) {
  const standing = (kept) => (tablet ? { ...kept, id: tablet.id, label: tablet.label, party, ledger, counts: Boolean(kept?.did) && tablet.key === kept.did } : null);
  const kept = await known("tablet");
  // Another shop's tablet is no affair of hers.
  if (kept ? kept.party !== party : !tablet) return;
  if (!tablet) await Promise.all(["cases", "cards"].map((name) => know(name, null)));
  await alter("tablet", standing);
}

/** Whether keys can be made and kept here. */
export async function canSign() {
  const [{ wayHere }] = await modules();
  return Boolean(await wayHere());
}

/** Enrol this browser as a shared tablet, and let it sign if it can: the answer of the last request. */
export async function pair(label) {
  const made = await ask("POST", "/v1/devices", { label });
  const kept = made.ok ? await ask("POST", "/v1/session/device", { device_key: made.body.device_key }) : made;
  return kept.ok && (await canSign()) ? letIn() : kept;
}

/** Make a key, and have it let into the log as one of the party's; the answer. */
export async function letIn() {
  const [{ makeKey }, { sign }] = await modules();
  const { party, ledger, tablet } = await session();
  const key = { ...(await makeKey()), id: tablet.id, label: tablet.label, party, ledger, counts: false };
  // Kept before anything is said with it: an answer that is lost must not leave a key in the log that nobody has.
  await know("tablet", key);
  navigator.storage?.persist?.();
  const statement = { id: newId(), type: "key.added", ledger, subjects: [`${party}#authority`], party, occurred_at: stamp(), details: { key: key.did, custody: "self" } };
  const answer = await ask("POST", `/v1/devices/${tablet.id}/key`, { statement, signatures: [await sign(statement, key)] });
  if (answer.ok) await know("tablet", { ...key, counts: true });
  return answer;
}

/** A statement as it is sent, signed; raises the modules' `Malformed` for what no statement may hold. */
export async function signed({ statement, private: members }, key) {
  const [, { conceal, sign }, { checkRules }] = await modules();
  const whole = { ...statement, ledger: key.ledger };
  checkRules({ whole, members: members ?? null });
  const value = { statement: whole };
  if (members) {
    const { disclosures, sd } = await conceal(members, told.rooms[whole.type]);
    Object.assign(whole, { _sd: sd, _sd_alg: "sha-256" });
    value.disclosures = disclosures;
  }
  return { ...value, signatures: [await sign(whole, key)] };
}

/** The same statement as it was signed before, by another key; without one for the service to sign. */
export async function resigned({ signatures, ...value }, key) {
  const [, { sign }] = await modules();
  return key ? { ...value, signatures: [await sign(value.statement, key)] } : value;
}
