// Why the service refused what was recorded here, in words, and what to do next: by where the problem points, and by
// how the thing and its case stand now. Nothing is decided here; the record stays until a person takes it away.

import { itemOf } from "./things.js";

/** The place of a problem → the reason, first match first; the place begins with the number of the statement. */
const PLACES = [
  [/\/signatures(\/|$)/, "why_key"],
  [/\/occurred_at$/, "why_clock"],
  [/\/agent$/, "why_person"],
  [/\/attachments(\/|$)/, "why_photo"],
  [/\/subjects\/\d+$/, "why_not_ours"],
];

/** `{why, subject, about}`: the reason's name, and the thing and case that it is about; `next_…` says what to do. */
export async function reason({ problem, statements }) {
  const place = problem?.errors?.[0]?.pointer ?? "";
  const number = Number(/^\/(\d+)\//.exec(place)?.[1] ?? 0);
  const { statement } = statements[number] ?? statements[0];
  const [subject, about] = [statement.subjects[0], statement.case ?? null];
  const kind = String(problem?.type ?? "").split("#")[1];
  if (kind === "photo_differs") return { why: "why_photo_differs", subject, about };
  const found = PLACES.find(([where]) => where.test(place))?.[1];
  const unknown = kind === "conflict" && found === "why_not_ours";
  const key = statements.map((one) => one.statement.details.holder_key).find(Boolean);
  const why = found && !unknown ? found : kind === "conflict" ? await standing(statement, place, key) : "why_other";
  return { why, subject, about };
}

/** What stands against it now, by the state of the thing; `key` is that of the owner code that was given out with it. */
async function standing({ subjects, case: about }, place, key) {
  const item = await itemOf(subjects[0]);
  if (!item) return "why_unknown";
  if (item.stolen) return "why_stolen";
  if (item.retired) return "why_retired";
  if (key) return item.holder && item.holder.grants.every((one) => one.key !== key) ? "why_held" : "why_code";
  const found = item.cases.find((one) => one.case === about);
  if (about && !found) return "why_no_case";
  if (found?.closed) return "why_closed";
  return place.endsWith("/type") && about ? "why_custody" : "why_faster";
}
