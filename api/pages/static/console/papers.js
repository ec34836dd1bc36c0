// Papers for a printer: PDFs on the paper that is in it, which is asked for once on each tablet and then remembered.
//
// A paper is made when its button is pressed and not before, because each has a code of its own. It opens beside the
// console, whose browser prints it. An owner code is given along while it is here, and becomes a sheet of its own.

import { el, explained } from "./draw.js";
import { say, told, word } from "./words.js";
import { askPaper, Offline } from "./wire.js";

const SIZES = ["80mm", "58mm", "a6", "a4"];
const KEPT = "patina/v1/paper";

/** The size that was printed here last; where nothing can be kept, the first. */
function lastSize() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keepSize(size) {
  try {
    localStorage.setItem(KEPT, size);
  } catch {
    // It is asked for again on the next page.
  }
}

/** What a button brings: the paper, opened and to be opened again, or why there is none. */
async function print(body, size, place) {
  // Opened before anything is waited for: browsers let a page open another only while it is pressed.
  const beside = open("", "_blank");
  try {
    const { ok, file, body: problem } = await askPaper(`/v1/receipts?format=pdf&medium=${size}&lang=${told.language}`, body);
    if (!ok) {
      beside?.close();
      place.replaceChildren(say("paper_none"), " ", ...explained(problem));
      return;
    }
    const address = URL.createObjectURL(file);
    if (beside) beside.location = address;
    place.replaceChildren(el("a", { href: address, target: "_blank" }, say("paper_open")));
  } catch (error) {
    beside?.close();
    if (!(error instanceof Offline)) throw error;
    place.replaceChildren(say("paper_offline"));
  }
}

/** A choice of size, and a button for each of these bodies of `POST /v1/receipts`. */
export function papers(...bodies) {
  const last = lastSize();
  const sizes = SIZES.map((one) => el("option", { value: one, selected: one === last ? "" : null }, word(one)));
  const size = el("select", {}, ...sizes);
  size.addEventListener("change", () => keepSize(size.value));
  const place = el("p", { "aria-live": "polite" });
  const buttons = bodies.map((body) => {
    const press = async ({ target }) => {
      target.disabled = true;
      await print(body, size.value, place);
      target.disabled = false;
    };
    return el("button", { type: "button", "data-paper": body.kind, click: press }, say(`print_${body.kind}`));
  });
  return [el("div", { class: "beside" }, ...buttons, el("label", { class: "size" }, say("paper_size"), size)), place];
}
