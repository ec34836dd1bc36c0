// Passing a thing on, phone to phone, by three links that carry everything: no server keeps an offer (decision 0027).
//
//   give=TOKEN.NONCE.UNTIL   the giver's link: where the thing is, and the offer, which is good for a day and once
//   take=…                   the new phone has made its own key, and signed the transfer to it
//   done=NONCE.SIG           the giver has signed the same bytes; the new phone sends both signatures to the ledger
//
// The giver's phone knows its own offers, and signs nothing for a link that it did not make, that is over or was used.

import { openCrypto } from "./crypto.js";
import { parseDid } from "./didkey.js";
import { formatBase64, formatBase64url, hexOf, parseBase64, parseBase64url, textOf, utf8 } from "./forms.js";
import { encode } from "./json.js";
import { deviceKeys, keep, makeKey, sha256 } from "./owner_keys.js";
import { all, ask, done, draft, main, now, on, one, page, say, show, word } from "./owner_page.js";
import { message, sign } from "./owner_says.js";

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
async function drawn(link) {
  const svg = document.createElementNS(SVG, "svg");
  let rows;
  try {
    const { encodeQR } = await import(main.dataset.drawer);
    rows = encodeQR(link, "raw", { ecc: "medium", border: 4 });
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
  if (!(Number(until) > seconds())) throw new Stopped("pass_on_late");
  await open(token);
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
  await offer("take", formatBase64url(utf8(encode({ nonce, statement, sig }))));
  show("asked", { name, digits: await digits(key.did) });
}

/** The giver's phone has opened what came back; it signs if that is the transfer of what it offered, and no other. */
async function confirmed(rest, open) {
  const { nonce, statement, sig } = JSON.parse(textOf(parseBase64url(rest)));
  const mine = (await deviceKeys()).find((key) => key.offer && key.offer.nonce === nonce);
  if (!mine) throw new Stopped("pass_on_elsewhere");
  await open(mine.token);
  if (!page.device || page.device.did !== mine.did) throw new Stopped("pass_on_gone");
  if (mine.offer.until < seconds()) throw new Stopped("pass_on_late_giver");
  const did = statement.details.holder_key;
  if (mine.offer.used && mine.offer.used !== did) throw new Stopped("pass_on_used");
  const details = { holder_key: did, holder_custody: "device" };
  const { id, occurred_at } = statement;
  const own = { ...draft("item.transferred", details, mine), id, occurred_at };
  const { verifies } = await openCrypto();
  const fits = encode(own) === encode(statement) && did !== mine.did;
  const good = fits && (await verifies(parseDid(did), parseBase64(sig), message(statement)));
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
    return say(value.detail);
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
