// Is it the same thing? What was stated when it came in beside what is seen now, with the difference in weight: on every
// screen two columns, whose heads, photographs and figures each begin on one line.

import { $, el, evidence, facts, show } from "./draw.js";
import { called, say, shown, told, when } from "./words.js";

const FINE = 0.01;
const SIGNED = new Intl.NumberFormat(told.language, { signDisplay: "exceptZero", minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Show the evidence of the first change of custody of a case and the newest, or what is being typed. */
export function sides(entries, caseId, typing) {
  const moves = entries.filter((one) => one.statement.case === caseId && one.statement.details.evidence);
  if (!moves.length) return null;
  const [first] = moves;
  const side = (title, time, inside, more = {}) => el("div", { class: "side", ...more }, el("div", {}, el("h3", {}, title), el("p", { class: "quiet" }, time)), ...inside);
  const column = (title, { statement: { occurred_at: at, details, attachments } }) => side(title, when(at), evidence(details.evidence, attachments));
  const place = $("[data-sides]");
  const now = typing ? side(say("identity_now"), "", [el("div", { class: "pictures" }), el("div")], { "data-now": "" }) : moves.length > 1 ? column(say("identity_now"), moves.at(-1)) : null;
  place.replaceChildren(column(say("identity_in"), first), ...(now ? [now] : []));
  show($("[data-identity]"));
  return { first, now };
}

/** Follow the weight and the photo as they are given, beside those from before. */
export function follow(form, { first, now }) {
  const was = first.statement.details.evidence.weight_g;
  const picture = el("img", { alt: told.words.field.photo, hidden: "" });
  const weight = el("dl", { class: "facts" });
  const differs = el("p", { class: "differs", role: "status" });
  $(".pictures", now).append(picture);
  now.lastChild.append(weight, differs);
  form.elements.photo.addEventListener("change", () => {
    const [file] = form.elements.photo.files;
    if (picture.src) URL.revokeObjectURL(picture.src);
    show(picture, Boolean(file));
    if (file) picture.src = URL.createObjectURL(file);
  });
  form.elements.weight_g.addEventListener("input", () => {
    const typed = form.elements.weight_g.value.replace(",", ".");
    const weighed = /^\d+(\.\d*)?$/.test(typed);
    facts(weight, weighed ? [[called("weight_g"), shown(typed, "weight_g")]] : []);
    const by = was && weighed ? Number(typed) - Number(was) : 0;
    const differing = Math.abs(by) > FINE + 1e-9;
    differs.textContent = differing ? say("identity_differs", { grams: SIGNED.format(by).replace("-", "\u2212") }) : "";
    form.elements.changed.required = differing;
  });
}
