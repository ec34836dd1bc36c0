// What was recorded here goes out once each, at once or when the network is back.
//
// On a tablet that signs, statements are signed when they are made (`tablet.js`). A record is written down before
// anything is sent, and taken away only when the service has said that it has it. An answer that was lost does no harm: the same
// ids again are the same statements (the service answers with the receipts it gave before). Only one page sends at a
// time; a record is sent only by whoever made it, for it carries her id.
//
// A photograph is drawn anew here, in a form that the service keeps byte for byte (`photo.js`), so its statement names and
// signs it at once; both wait together, and the photograph goes first. Where the browser cannot draw it, the statement is
// signed once the service has said what it keeps. A photograph stays here until its statement is in the ledger.

import { all, drop, get, put } from "./store.js";
import { ask, Offline, session } from "./wire.js";
import { told } from "./words.js";
import { newId } from "./making.js";
import { keyHere, resigned, signed } from "./tablet.js";

export const WAITING = "waiting";
export const REFUSED = "refused";
const listeners = new Set();

/** Call `listen` whenever the queue has changed. */
export const watch = (listen) => listeners.add(listen);
const changed = () => listeners.forEach((listen) => listen());

const signedBefore = (value) => Boolean(value.signatures || value.disclosures);

/** A photo of a form, drawn anew with what a statement says of it; as it is where it cannot be drawn. */
async function drawn(photo) {
  const module = await import(`${told.modules}photo.js`).catch(() => null);
  return { ...photo, ...(await module?.photoOf(photo.file, `photo-${photo.step}.jpg`)) };
}

/** Name a photo in its statement. */
function list({ statement }, photo, attachment) {
  statement.attachments = [attachment];
  if (photo.evidence) statement.details.evidence = { ...statement.details.evidence, photos: [attachment.name] };
}

/** Write a batch down, signed where this tablet signs; the record. */
export async function keep(form, { statements, photos: chosen, called }, who, codes) {
  const key = await keyHere(who);
  const photos = await Promise.all(chosen.map(drawn));
  for (const one of photos.filter((photo) => photo.attachment)) list(statements[one.step], one, one.attachment);
  const later = new Set(photos.filter((photo) => !photo.attachment).map((photo) => photo.step));
  const whole = await Promise.all(statements.map((value, step) => (key && !later.has(step) ? signed(value, key) : value)));
  const record = { id: newId(), form: form.name, called, made_at: new Date().toISOString(), who, codes, state: WAITING, key: key?.did ?? null, statements: whole, photos };
  await put(record);
  changed();
  return record;
}

/** Send the photos of a record; the answer that holds it up, or `null`. */
async function sendPhotos(record) {
  for (const photo of record.photos.filter((one) => one.file && !one.sent)) {
    const kind = photo.file.type === "image/png" ? "png" : photo.file.type === "image/webp" ? "webp" : "jpg";
    const answer = await ask("POST", `/v1/attachments?name=photo-${photo.step}.${kind}`, photo.file, { "Content-Type": photo.file.type });
    if (!answer.ok) return answer;
    const { attachment } = answer.body;
    if (photo.attachment && photo.attachment.sha256 !== attachment.sha256) {
      photo.differs = attachment;
      return { status: 409, body: { type: "#photo_differs", errors: [{ pointer: `/${photo.step}/statement/attachments/0` }] } };
    }
    // What was named is part of the statement from now on: sent again, it must be the same.
    if (!photo.attachment) list(record.statements[photo.step], photo, attachment);
    Object.assign(photo, { attachment, sent: true });
    await put(record);
  }
  return null;
}

/** Send one record: `{sent, receipts}`, `{problem}` if it was refused, or `{later}`; raises `Offline`. */
async function sendOne(record) {
  const held = await sendPhotos(record);
  if (held) return judged(record, held);
  const key = record.key && (await keyHere(record.who));
  if (key && !record.statements.every(signedBefore)) {
    record.statements = await Promise.all(record.statements.map((value) => (signedBefore(value) ? value : signed(value, key))));
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

/**
 * Try a refused record again: signed anew if the key that signed it is not this tablet's any more, or the service keeps
 * another photograph than was signed. Photographs are sent again, as they may have waited longer than the service keeps
 * what nothing names.
 */
export async function again(record) {
  const key = await keyHere(record.who);
  const others = record.photos.filter((photo) => photo.differs);
  for (const photo of others) {
    list(record.statements[photo.step], photo, photo.differs);
    Object.assign(photo, { attachment: photo.differs, differs: null });
  }
  for (const photo of record.photos) photo.sent = false;
  const foreign = record.key !== (key?.did ?? null);
  const steps = new Set(others.map((photo) => photo.step));
  record.statements = await Promise.all(record.statements.map((value, step) => (signedBefore(value) && (foreign || steps.has(step)) ? resigned(value, key) : value)));
  record.key = key?.did ?? null;
  record.state = WAITING;
  delete record.problem;
  await put(record);
  changed();
}

export async function discard(id) {
  await drop(id);
  changed();
}
