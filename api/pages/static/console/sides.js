// Is it the same thing? What was stated when it came in beside what is seen now, with the difference in weight.

import { $, el, evidence, show } from "./draw.js";
import { say, told, when } from "./words.js";

const FINE = 0.01;
const SIGNED = new Intl.NumberFormat(told.language, { signDisplay: "exceptZero", minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Show the evidence of the first change of custody of a case and the newest, or what is being typed. */
export function sides(entries, caseId, typing) {
  const moves = entries.filter((one) => one.statement.case === caseId && one.statement.details.evidence);
  if (!moves.length) return null;
  const [first] = moves;
  const column = (title, entry) => el("div", { class: "side" }, el("h3", {}, title), el("p", { class: "quiet" }, when(entry.statement.occurred_at)), ...evidence(entry.statement.details.evidence, entry.statement.attachments));
  const place = $("[data-sides]");
  const now = typing ? el("div", { class: "side", "data-now": "" }, el("h3", {}, say("identity_now"))) : moves.length > 1 ? column(say("identity_now"), moves.at(-1)) : null;
  place.replaceChildren(column(say("identity_in"), first), ...(now ? [now] : []));
  show($("[data-identity]"));
  return { first, now };
}

/** Follow the weight and the photo as they are given, beside those from before. */
export function follow(form, { first, now }) {
  const was = first.statement.details.evidence.weight_g;
  const picture = el("img", { alt: "", hidden: "" });
  const weight = el("p", {});
  const differs = el("p", { class: "differs", role: "status" });
  now.append(picture, weight, differs);
  form.elements.photo.addEventListener("change", () => {
    const [file] = form.elements.photo.files;
    if (picture.src) URL.revokeObjectURL(picture.src);
    show(picture, Boolean(file));
    if (file) picture.src = URL.createObjectURL(file);
  });
  form.elements.weight_g.addEventListener("input", () => {
    const typed = form.elements.weight_g.value.replace(",", ".");
    const weighed = /^\d+(\.\d*)?$/.test(typed);
    weight.textContent = weighed ? say("grams", { n: typed }) : "";
    const by = was && weighed ? Number(typed) - Number(was) : 0;
    const differing = Math.abs(by) > FINE + 1e-9;
    differs.textContent = differing ? say("identity_differs", { grams: SIGNED.format(by).replace("-", "\u2212") }) : "";
    form.elements.changed.required = differing;
  });
}
