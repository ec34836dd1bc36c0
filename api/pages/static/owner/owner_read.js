// What only the holder may read: private members of her own time and files, asked for with a signature.

import { formatBase64url, hexOf, utf8 } from "./forms.js";
import { sha256 } from "./owner_keys.js";
import { Refused, ask, asking, called, fold, made, on, one, page, plain, refuse, row, say, word } from "./owner_page.js";
import { openDisclosures } from "./owner_says.js";
import { photoOf } from "./photo.js";

/** By statement id, what the holder may read; null, and said so, if it is refused. */
export async function openPrivate() {
  const { status, value } = await ask(`${page.base}/history`, await asking());
  if (status === 200) return openDisclosures(value);
  refuse(value);
  return null;
}

/** Show it record by record, newest first. */
export async function read() {
  const place = one("[data-private]");
  place.replaceChildren();
  const opened = await openPrivate();
  if (!opened) return;
  const records = page.item.records.filter((known) => opened.has(known.statement)).reverse();
  const list = made("div", "");
  place.append(made("p", word(opened.size ? "fits" : "nothing"), "quiet"), list, made("div", "", "actions"));
  fold(list, records, ({ statement, sentence }) => privateOf(sentence, opened.get(statement)));
}

function privateOf(sentence, members) {
  const facts = members.filter(([name]) => name !== "attachments").map(([name, fact]) => row(called(name), plain(fact)));
  const files = members.find(([name]) => name === "attachments");
  return [made("h3", sentence), made("dl", "", "facts", facts), ...(files ? files[1] : []).map(fileButton)];
}

/** A button that shows a private file in its own place: a picture as one, anything else to be saved. */
function fileButton(file) {
  const place = made("div", "", "actions", [made("button", file.name)]);
  on(place.firstChild, "click", async () => {
    const headers = { "Content-Type": "application/json" };
    const how = { method: "POST", body: JSON.stringify(await asking()), headers };
    const answer = await fetch(`/i/${page.token}/attachments/${file.sha256}`, how);
    if (!answer.ok) return refuse(await answer.json());
    const raw = new Uint8Array(await answer.arrayBuffer());
    if (hexOf(await sha256(raw)) !== file.sha256) return say(word("altered"));
    const picture = file.media_type.startsWith("image/");
    const shown = document.createElement(picture ? "img" : "a");
    const address = URL.createObjectURL(new Blob([raw], { type: file.media_type }));
    if (picture) Object.assign(shown, { src: address, alt: file.name });
    else Object.assign(shown, { href: address, download: file.name, textContent: file.name });
    place.replaceChildren(shown);
  });
  return place;
}

/** Upload a photograph of the holder's: what a statement of hers then lists; throws `Refused`.
 *
 * Where it could be drawn anew here, the server must keep the very picture that was sent. */
export async function upload(file, number) {
  const name = `photo-${number}`;
  const drawn = await photoOf(file, name);
  const headers = { "Patina-Asking": formatBase64url(utf8(JSON.stringify(await asking()))) };
  const path = `/i/${page.token}/attachments?name=${name}`;
  const answer = await fetch(path, { method: "POST", body: drawn ? drawn.file : file, headers });
  const value = await answer.json();
  if (!answer.ok) throw new Refused(value);
  if (drawn && drawn.attachment.sha256 !== value.attachment.sha256) throw new Error(word("photo_differs"));
  return value.attachment;
}
