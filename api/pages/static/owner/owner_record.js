// What is on record of the thing, and how its holder contradicts it: both stand side by side, and nothing is undone.
//
// A form is made where somebody asks for it. What the present key said itself, or contradicted already, has none.

import { copied, fold, made, moment, on, one, page, speak } from "./owner_page.js";

/** Fill the page's part for the record, newest first; what was unfolded stays so, with what has come since. */
export function showRecord() {
  const place = one("[data-record]");
  const { records } = page.item;
  const since = records.length - (page.counted || records.length);
  page.counted = records.length;
  fold(place, records.slice().reverse(), recordOf, place.dataset.shown ? Number(place.dataset.shown) + since : undefined);
}

function recordOf(record) {
  const { sentence, by, occurred_at, remarks } = record;
  const item = copied("record", { sentence, by: by.label, when: moment(occurred_at) });
  item.dataset.about = record.statement;
  const asking = item.querySelector("details");
  for (const { text } of remarks) asking.before(made("p", text, "remark note"));
  if (isHers(record) || remarks.some(({ index }) => isDisputeOfHers(index))) asking.remove();
  else asking.addEventListener("toggle", () => asking.append(formOf(record)), { once: true });
  return item;
}

const isHers = ({ grant }) => grant === page.item.holder.grant;

function isDisputeOfHers(index) {
  const found = page.item.records.find((known) => known.index === index); // a case's code shows the case alone
  return Boolean(found) && found.type === "statement.disputed" && isHers(found);
}

/** Why, and what else there is to say of it: the word everybody reads, the text only those whom it is for. */
function formOf({ statement, case: of = page.item.case }) {
  const form = copied("contradict");
  on(form, "submit", () => {
    const { reason, comment } = form.elements;
    const text = comment.value.trim();
    const more = { ...(of ? { case: of } : {}), priv: text ? { comment: text } : {} };
    return speak("statement.disputed", { disputes: statement, reason: reason.value }, more);
  });
  return form;
}
