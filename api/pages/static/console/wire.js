// Requests to the service, and the session they are made in. Nothing here asks any other host.

let csrf = "";
let me;

/** No answer came: the network is down, or the service does not run. */
export class Offline extends Error {}

/** The answer to a request: status, and the document if it is JSON. Raises `Offline`. */
export async function ask(method, path, body, headers = {}) {
  const asked = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin", cache: "no-store" };
  if (method !== "GET") asked.headers["Patina-Csrf"] = csrf;
  if (body instanceof Blob) asked.body = body;
  else if (body !== undefined) {
    asked.headers["Content-Type"] = "application/json";
    asked.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, asked);
  } catch {
    throw new Offline(path);
  }
  const text = await answer.text();
  const json = /json/.test(answer.headers.get("content-type") ?? "");
  const told = json && text ? JSON.parse(text) : null;
  if (told?.csrf) csrf = told.csrf;
  return { ok: answer.ok, status: answer.status, body: told };
}

/** Who came in here, or `null`; raises `Offline`. */
export async function session() {
  const answer = await ask("GET", "/v1/session");
  me = answer.ok ? answer.body : null;
  return me;
}

export const segment = (id) => encodeURIComponent(id).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
