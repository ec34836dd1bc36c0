// Passing a thing on, phone to phone, by three links that carry everything: no server keeps an offer (decision 0027).
//
//   give=TOKEN.NONCE.UNTIL   the giver's link: where the thing is, and the offer, which is good for a day and once
//   take=NONCE.ID.KEY.SIG    the new phone has made its own key, and signed the transfer to it
//   done=NONCE.SIG           the giver has signed the same bytes; the new phone sends both signatures to the ledger
//
// A link has only what the other phone cannot know, so that its QR code is coarse enough to be read when it is hurt. The
// transfer itself is made by each phone from the item, the new key and the id, a UUIDv7, which has its time.
//
// The giver's phone knows its own offers, and signs nothing for a link that it did not make, that is over or was used.

import { openCrypto } from "./crypto.js";
import { formatDid, parseDid } from "./didkey.js";
import { UUID, bytesOf, formatBase64, formatBase64url, hexOf, parseBase64, parseBase64url, textOf, utf8 } from "./forms.js";
import { deviceKeys, keep, makeKey, sha256 } from "./owner_keys.js";
import { all, ask, done, draft, main, now, on, one, page, refuse, say, show, word } from "./owner_page.js";
import { formatId, message, sign } from "./owner_says.js";

const DAY = 86400;
const SVG = "http://www.w3.org/2000/svg";
const seconds = () => Math.floor(now().getTime() / 1000);
const random = () => formatBase64url(crypto.getRandomValues(new Uint8Array(12)));
const KINDS = { give: taken, take: confirmed, done: finished };

/** Whether a fragment is one of these links; then what it asks for is shown. */
export async function follow(fragment, open) {
  const found = /(?:^|#)(give|take|done)=([A-Za-z0-9_.-]+)/.exec(fragment);
  if (!found) return false;
  try {
    await KINDS[found[1]](found[2], open);
  } catch (error) {
    stop(error instanceof Stopped ? error.message : "pass_on_wrong");
  }
  return true;
}

/** Why a link does nothing: the name of the words that say so, and what to do. */
class Stopped extends Error {}

function stop(name) {
  show("stopped");
  one("[data-fill=stopped]").textContent = word(name);
}

async function offer(kind, rest) {
  const link = `${location.origin}/o#${kind}=${rest}`;
  for (const field of all("[data-link]")) field.value = link;
  const shown = await drawn(link);
  for (const place of all("[data-code]")) {
    place.querySelector("svg").replaceWith(shown.cloneNode(true));
    place.hidden = !shown.firstChild;
  }
}

/** A link as a QR code for the phone beside this one; an empty picture where the packages are absent. */
export async function drawn(link) {
  const svg = document.createElementNS(SVG, "svg");
  let rows;
  try {
    const { encodeQR } = await import(main.dataset.drawer);
    rows = encodeQR(link, "raw", { ecc: "quartile", border: 4 });
  } catch (error) {
    return svg;
  }
  const black = rows.map((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")).join("")).join("");
  const named = [["viewBox", `0 0 ${rows.length} ${rows.length}`], ["role", "img"], ["aria-label", word("pass_code")], ["shape-rendering", "crispEdges"]];
  for (const [name, value] of named) svg.setAttribute(name, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", black);
  svg.append(path);
  return svg;
}

/** Six digits that both phones show: whoever swapped the link on its way would show others. */
export async function digits(did) {
  const number = parseInt(hexOf((await sha256(utf8(did))).slice(0, 4)), 16) % 1_000_000;
  return String(number).padStart(6, "0").replace(/^(...)/, "$1 ");
}

/** The giver makes a link. An earlier one is good no more. */
export async function give() {
  const [nonce, until] = [random(), seconds() + DAY];
  await keep({ ...page.device, offer: { nonce, until, used: "" } });
  page.device = (await deviceKeys()).find((key) => key.did === page.device.did);
  await offer("give", `${page.token}.${nonce}.${until}`);
  one("[data-given]").hidden = false;
}

/** The new holder's phone has opened the link. */
async function taken(rest, open) {
  const [token, nonce, until] = rest.split(".");
  await open(token); // and learn by how much this phone's clock is wrong
  if (!(Number(until) > seconds())) throw new Stopped("pass_on_late");
  if (!page.item || !page.item.holder) throw new Stopped("pass_on_gone");
  if (page.device) throw new Stopped("pass_on_own");
  show("take", { name: page.item.name });
  on(one("[data-take]"), "click", () => request(nonce));
}

async function request(nonce) {
  const { id, ledger, name, holder } = page.item;
  const key = await makeKey();
  const kept = { ...key, item: id, ledger, name, token: page.token };
  const details = { holder_key: key.did, holder_custody: "device" };
  const statement = draft("item.transferred", details, { did: holder.key });
  await keep({ ...kept, asked: { nonce, statement, giver: holder.key } });
  const { sig } = await sign(statement, key);
  const parts = [bytesOf(statement.id.slice(9).replace(/-/g, "")), parseDid(key.did), parseBase64(sig)];
  await offer("take", [nonce, ...parts.map(formatBase64url)].join("."));
  show("asked", { name, digits: await digits(key.did) });
}

/** What a new phone's link says; links of before had the whole transfer, as JSON, of which no more is looked at. */
function answer(rest) {
  const [nonce, ...parts] = rest.split(".");
  if (parts.length) {
    const [id, key, sig] = parts.map(parseBase64url);
    return { nonce, id: formatId(id), did: formatDid(key), sig };
  }
  const { nonce: of, statement, sig } = JSON.parse(textOf(parseBase64url(rest)));
  return { nonce: of, id: statement.id, did: statement.details.holder_key, sig: parseBase64(sig) };
}

/** The milliseconds since 1970 in a UUIDv7 (RFC 9562 §5.7); throws `Stopped` for what is no UUID. */
function timeOf(id) {
  if (!UUID.test(id)) throw new Stopped("pass_on_wrong");
  return parseInt(id.slice(9, 22).replace("-", ""), 16);
}

/** The giver's phone has opened what came back; it signs if that is the transfer of what it offered, and no other. */
async function confirmed(rest, open) {
  const { nonce, id, did, sig } = answer(rest);
  const mine = (await deviceKeys()).find((key) => key.offer && key.offer.nonce === nonce);
  if (!mine) throw new Stopped("pass_on_elsewhere");
  await open(mine.token);
  if (!page.device || page.device.did !== mine.did) throw new Stopped("pass_on_gone");
  if (mine.offer.until < seconds()) throw new Stopped("pass_on_late_giver");
  if (mine.offer.used && mine.offer.used !== did) throw new Stopped("pass_on_used");
  const at = timeOf(id);
  const details = { holder_key: did, holder_custody: "device" };
  const dated = { id, occurred_at: new Date(at).toISOString() };
  const statement = { ...draft("item.transferred", details, mine), ...dated };
  const { verifies } = await openCrypto();
  const fits = at <= mine.offer.until * 1000 && did !== mine.did; // dated later it would outlive the offer
  const good = fits && (await verifies(parseDid(did), sig, message(statement)));
  if (!good) throw new Stopped("pass_on_wrong");
  show("confirm", { name: page.item.name, digits: await digits(did) });
  on(one("[data-confirm]"), "click", async () => {
    await keep({ ...mine, offer: { ...mine.offer, used: did } });
    const signature = await sign(statement, mine);
    await offer("done", `${nonce}.${formatBase64url(parseBase64(signature.sig))}`);
    show("signed", { name: page.item.name });
  });
}

/** The new phone sends both signatures to the ledger. */
async function finished(rest, open) {
  const [nonce, sig] = rest.split(".");
  const raw = parseBase64url(sig);
  const { verifies } = await openCrypto();
  let mine = null; // a phone may have asked twice, with two keys: one of them was signed for
  for (const key of (await deviceKeys()).filter((known) => known.asked && known.asked.nonce === nonce)) {
    if (await verifies(parseDid(key.asked.giver), raw, message(key.asked.statement))) mine = key;
  }
  if (!mine) throw new Stopped("pass_on_not_here");
  const { statement, giver } = mine.asked;
  const signatures = [{ key: giver, sig: formatBase64(raw) }, await sign(statement, mine)];
  const { status, value } = await ask(`/i/${mine.token}/statements`, { statement, signatures });
  if (status >= 300) {
    stop("pass_on_refused");
    return refuse(value);
  }
  const { asked, ...kept } = mine;
  const token = value.code ? value.code.token : kept.token;
  await keep({ ...kept, token });
  await open(token);
  done(statement.id);
}

/** Share a link by the phone's own means, or copy it. */
export async function share(event) {
  const link = event.target.closest("section").querySelector("[data-link]");
  if (navigator.share) return navigator.share({ url: link.value }).catch(() => {});
  link.select();
  if (navigator.clipboard) await navigator.clipboard.writeText(link.value);
  say(word("pass_on_copied"));
}
