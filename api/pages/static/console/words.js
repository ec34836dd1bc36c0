// What the page was told by the server: words in the reader's language, the forms, and who may fill them in.

export const told = JSON.parse(document.getElementById("told").content.textContent);

/** A text with its places filled; `texts` are those of the console, or others that the page was told. */
export function say(key, values = {}, texts = told.words.text) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "…");
}

/** The word of a value, or the value where it has none: what a shop wrote itself is not translated. */
export const word = (value) => told.words.option[value] ?? String(value).replaceAll("_", " ");

/** What a type of statement is called. */
export const typed = (type) => told.words.form[type] ?? type.replace(/[._]/g, " ");

const LOCALE = told.language === "en" ? "en-GB" : told.language;

/** A number as the reader's language writes it. */
export const number = (value) => value.toLocaleString(LOCALE);

/** A name and what stands under it, in one line. */
export const pair = (name, value) => say("pair", { name, value });

/** What a member of a statement is called. */
export const called = (name) => told.words.field[name] ?? String(name).replaceAll("_", " ");

const NAMES = ["name", "part", "what", "aspect"];

/** What an object says: what it is about, then the rest; an amount with its currency. */
function spelled(value) {
  if ("amount" in value) return [value.amount, value.currency && word(value.currency)].filter(Boolean).join(" ");
  const about = NAMES.find((name) => name in value);
  const rest = Object.entries(value).filter(([name]) => name !== about);
  return about ? [shown(value[about]), ...rest.map(([name, one]) => shown(one, name))].join(" ") : rest.map(([name, one]) => pair(called(name), shown(one, name))).join(", ");
}

/** The value of a member: with its unit, a day or a time as the reader writes it, a word of the format as the shop says it. */
export function shown(value, name = "") {
  const unit = told.words.unit?.[name];
  if (unit) return (Number(value) === 1 && unit.one ? unit.one : unit.other).replace("{value}", value);
  if (Array.isArray(value)) return value.map((one) => shown(one)).join(", ");
  if (value && typeof value === "object") return spelled(value);
  return /^\d{4}-\d\d-\d\d(T.*)?$/.test(value) ? when(value) : word(value);
}

/** A time as the reader's language writes it: day before month, and 24 hours, as on customers' pages. */
export function when(text) {
  if (!text) return "";
  const day = { year: "numeric", month: "short", day: "numeric" }; // one by one: a style's hours change the day's in zh-Hant
  const how = text.length === 10 ? { timeZone: "UTC" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(LOCALE, { ...day, ...how }).format(new Date(text));
}
