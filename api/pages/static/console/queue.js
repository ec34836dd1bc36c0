// What was recorded here goes out once each, at once or when the network is back.
//
// On a tablet that signs, statements are signed when they are made (`tablet.js`). A record is written down before
// anything is sent, and taken away only when the service has said that it has it. An answer that was lost does no harm: the same
// ids again are the same statements (the service answers with the receipts it gave before). Only one page sends at a
// time; a record is sent only by whoever made it, for it carries her id.
//
// A statement names a photograph by the digest of what the service keeps, which is known once it was sent: that one
// statement is signed then, with the time when it was made.

import { all, drop, get, put } from "./store.js";
import { ask, Offline, session } from "./wire.js";
import { newId } from "./making.js";
import { keyHere, resigned, signed } from "./tablet.js";

export const WAITING = "waiting";
export const REFUSED = "refused";
const listeners = new Set();

/** Call `listen` whenever the queue has changed. */
export const watch = (listen) => listeners.add(listen);
const changed = () => listeners.forEach((listen) => listen());

/** Write a batch down, signed where this tablet signs; the record. */
export async function keep(form, { statements, photos }, who, codes) {
  const key = await keyHere(who);
  const later = new Set(photos.map((photo) => photo.step));
  const whole = await Promise.all(statements.map((value, step) => (key && !later.has(step) ? signed(value, key) : value)));
  const record = { id: newId(), form: form.name, made_at: new Date().toISOString(), who, codes, state: WAITING, key: key?.did ?? null, statements: whole, photos };
  await put(record);
  changed();
  return record;
}

/** Send one record: `{sent, receipts}`, `{problem}` if it was refused, or `{later}`; raises `Offline`. */
async function sendOne(record) {
  for (const photo of record.photos.filter((one) => one.file)) {
    const name = `photo-${photo.step}.${photo.file.type === "image/png" ? "png" : photo.file.type === "image/webp" ? "webp" : "jpg"}`;
    const answer = await ask("POST", `/v1/attachments?name=${name}`, photo.file, { "Content-Type": photo.file.type });
    if (!answer.ok) return judged(record, answer);
    const { statement } = record.statements[photo.step];
    statement.attachments = [answer.body.attachment];
    if (photo.evidence) statement.details.evidence = { ...statement.details.evidence, photos: [answer.body.attachment.name] };
    // What was uploaded is part of the statement from now on: sent again, it must be the same.
    photo.file = null;
    await put(record);
  }
  const key = record.key && (await keyHere(record.who));
  if (key && record.statements.some((value) => !value.signatures && !value.disclosures)) {
    record.statements = await Promise.all(record.statements.map((value) => (value.signatures || value.disclosures ? value : signed(value, key))));
    await put(record);
  }
  const headers = record.codes?.length ? { "Patina-Code": record.codes.join(",") } : {};
  const answer = await ask("POST", "/v1/statements/batch?atomic=true", record.statements, headers);
  if (!answer.ok) return judged(record, answer);
  await drop(record.id);
  return { sent: true, receipts: answer.body };
}

async function judged(record, answer) {
  if ([401, 429, 500, 502, 503, 504].includes(answer.status)) return { later: true, status: answer.status, problem: answer.body };
  record.state = REFUSED;
  record.problem = answer.body ?? {};
  await put(record);
  return { problem: record.problem };
}

/** Send what waits and was made by `who`, oldest first; what became of each, by its id. Raises nothing. */
export async function send(who, only) {
  const alone = navigator.locks ? (act) => navigator.locks.request("patina-queue", act) : (act) => act();
  const outcomes = new Map();
  await alone(async () => {
    const own = (await all()).filter((one) => one.state === WAITING && one.who.agent === who.agent && one.who.party === who.party);
    for (const { id } of own) {
      // Where pages cannot wait for each other, another one may have sent it since.
      const record = await get(id);
      if (record?.state !== WAITING) continue;
      try {
        // Somebody else may have come in on this tablet since, and a page that was opened without a network has no token.
        const here = await session();
        if (here?.agent !== who.agent || here.party !== who.party) {
          outcomes.set(record.id, { later: true, status: 401 });
          break;
        }
        const outcome = await sendOne(record);
        outcomes.set(record.id, outcome);
        if (outcome.later) break;
      } catch (error) {
        if (!(error instanceof Offline)) throw error;
        outcomes.set(record.id, { offline: true });
        break;
      }
    }
  });
  changed();
  return only ? (outcomes.get(only) ?? { later: true }) : outcomes;
}

/** Try a refused record again as it is; signed anew if the key that signed it is not this tablet's any more. */
export async function again(record) {
  const key = await keyHere(record.who);
  if (record.key !== (key?.did ?? null)) {
    record.statements = await Promise.all(record.statements.map((value) => (value.signatures || value.disclosures ? resigned(value, key) : value)));
    record.key = key?.did ?? null;
  }
  record.state = WAITING;
  delete record.problem;
  await put(record);
  changed();
}

export async function discard(id) {
  await drop(id);
  changed();
}
