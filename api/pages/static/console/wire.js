// Requests to the service, and the session they are made in. Nothing here asks any other host.

let csrf = "";
let me;

/** No answer came: the network is down, or the service does not run. */
export class Offline extends Error {}

async function answerTo(method, path, body, headers) {
  const asked = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (method !== "GET") asked.headers["Patina-Csrf"] = csrf;
  if (body instanceof Blob) asked.body = body;
  else if (body !== undefined) {
    asked.headers["Content-Type"] = "application/json";
    asked.body = JSON.stringify(body);
  }
  try {
    return await fetch(path, asked);
  } catch {
    throw new Offline(path);
  }
}

/** The answer to a request: status, and the document if it is JSON. Raises `Offline`. */
export async function ask(method, path, body, headers = {}) {
  const answer = await answerTo(method, path, body, { Accept: "application/json", ...headers });
  const text = await answer.text();
  const json = /json/.test(answer.headers.get("content-type") ?? "");
  const told = json && text ? JSON.parse(text) : null;
  if (told?.csrf) csrf = told.csrf;
  return { ok: answer.ok, status: answer.status, body: told };
}

/** The paper that answers a body, as a `file`, or the problem as `ask` gives it. Raises `Offline`. */
export async function askPaper(path, body) {
  const answer = await answerTo("POST", path, body, {});
  return answer.ok ? { ok: true, file: await answer.blob() } : { ok: false, body: await answer.json().catch(() => null) };
}

/** Who came in here, or `null`; raises `Offline`. */
export async function session() {
  const answer = await ask("GET", "/v1/session");
  me = answer.ok ? answer.body : null;
  return me;
}

export const segment = (id) => encodeURIComponent(id).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
