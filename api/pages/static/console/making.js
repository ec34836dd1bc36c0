// From a form that was filled in to the statements of one atomic batch. Pure: no page, no network.
//
// Each statement has its id and its time from the moment when it was made, so that sending it again is the same
// statement again, and one that was made without a network tells when it happened and not when it was sent.

const empty = (value) => value === "" || value === null || value === undefined || value === false;

/** A fresh UUIDv7 (RFC 9562) as `urn:uuid:`; works on plain http too, where `randomUUID` is missing. */
export function newId(now = Date.now()) {
  const raw = crypto.getRandomValues(new Uint8Array(16));
  for (let at = 0; at < 6; at += 1) raw[at] = Math.floor(now / 256 ** (5 - at)) % 256;
  raw[6] = (raw[6] & 0x0f) | 0x70;
  raw[8] = (raw[8] & 0x3f) | 0x80;
  const hex = [...raw].map((one) => one.toString(16).padStart(2, "0")).join("");
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A time with the device's own offset, as statements write it. */
export function stamp(now = new Date()) {
  const ahead = -now.getTimezoneOffset();
  const two = (n) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  const local = new Date(now.getTime() + ahead * 60000).toISOString().slice(0, 23);
  return ahead ? `${local}${ahead < 0 ? "-" : "+"}${two(ahead / 60)}:${two(ahead % 60)}` : `${local}Z`;
}

/** A field's text as its kind is written in a statement. */
export function valueOf(field, text) {
  const trimmed = typeof text === "string" ? text.trim() : text;
  switch (field.kind) {
    case "flag":
      return Boolean(trimmed);
    case "count":
      return trimmed === "" ? "" : Number(trimmed);
    case "decimal":
      return trimmed.replace(",", ".").replace(/^0+(?=\d)/, "");
    case "lines":
      return trimmed === "" ? "" : trimmed.split("\n").map((one) => one.trim()).filter(Boolean);
    case "line":
      return trimmed === "" ? "" : [trimmed];
    default:
      return trimmed;
  }
}

function put(target, path, value) {
  const names = path.split("/");
  const last = names.pop();
  let at = target;
  for (const name of names) at = at[name] ??= {};
  at[last] = value;
}

/** Money without an amount is no money, and a customer without a name or number nobody. */
function tidy(given) {
  const left = Object.entries(given).filter(([, value]) => typeof value !== "object" || Array.isArray(value) || ("currency" in value ? "amount" in value : Object.keys(value).length));
  return Object.fromEntries(left);
}

/**
 * The statements of a form, each `{statement, private?}` as the service reads it, and the places of its photos.
 *
 * `values` are the fields' texts by name, `things` the ids by the name of their field, `fresh` those that are new;
 * `who` is the party and the agent, `about` the case.
 */
export function make(form, values, { things, fresh = [], who, about, more = {} }) {
  const time = stamp();
  const has = (name) => (name === "new" ? fresh.length > 0 : !empty(values[name]));
  const steps = form.steps.filter((step) => !step.when || (step.when === "new" ? fresh.includes(step.subjects[0]) : has(step.when)));
  const photos = [];
  const made = steps.map((step, number) => {
    const statement = { id: newId(), type: step.type, subjects: step.subjects.map((name) => things[name]), party: who.party, occurred_at: time, details: structuredClone(step.details) };
    if (who.agent) statement.agent = who.agent;
    if (about && step.type !== "item.registered") statement.case = about;
    Object.assign(statement.details, more[step.type] ?? {});
    const value = { statement, private: {} };
    for (const field of form.fields) {
      for (const to of field.to) {
        const [type, path] = to.split(":");
        if (type !== step.type) continue;
        if (field.kind === "photo") {
          if (values[field.name]) photos.push({ file: values[field.name], step: number, evidence: path.endsWith("photos") });
          continue;
        }
        const given = field.kind === "thing" ? things[field.name] : valueOf(field, values[field.name] ?? "");
        if (field.kind !== "flag" && empty(given)) continue;
        const [root, ...rest] = path.split("/");
        put(root === "private" ? value.private : statement.details, rest.join("/"), given);
      }
    }
    value.private = tidy(value.private);
    if (!Object.keys(value.private).length) delete value.private;
    return value;
  });
  return { statements: made, photos };
}
