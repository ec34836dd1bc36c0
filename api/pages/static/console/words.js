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

/** A time as the reader's language writes it: day before month, and 24 hours, as on customers' pages. */
export function when(text) {
  if (!text) return "";
  const day = { year: "numeric", month: "short", day: "numeric" }; // one by one: a style's hours change the day's in zh-Hant
  const how = text.length === 10 ? { timeZone: "UTC" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(LOCALE, { ...day, ...how }).format(new Date(text));
}
