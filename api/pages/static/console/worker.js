// Keeps the console's pages and files, so that it opens without a network. They are the same for everybody and hold no
// record of anybody; what the service answers about records is never kept here.

const mark = new URL(self.location).searchParams.get("mark");
const modules = new URL(self.location).searchParams.get("modules");
const kept = `console-${mark}-${modules}`;
/** What reads codes out of the camera's pictures, and what it imports; nothing where the packages are absent. */
const reader = new URL(self.location).searchParams.get("reader");
const READER = reader ? [reader, reader.replace(/[^/]+$/, "index.js")] : [];
const FILES = ["case.js", "conflict.js", "console.css", "devices.js", "door.js", "draw.js", "find.js", "flow.js", "form.js", "item.js", "laid_in.js", "lists.js", "main.js", "making.js", "money.js", "papers.js", "queue.js", "reader.js", "register.js", "scan.js", "sheet.js", "sides.js", "store.js", "tablet.js", "things.js", "waiting.js", "wire.js", "words.js"];
// What signs and draws photographs, of the owner's page; the last six are packages, which a service set up without npm does not have.
const SIGNING = ["crypto.js", "didkey.js", "errors.js", "forms.js", "holderkey.js", "json.js", "owner_keys.js", "owner_says.js", "photo.js", "sha256.js", "_md.js", "_u64.js", "ed25519.js", "library.js", "sha2.js", "utils.js"];
const PAGES = ["/console", ...["door", "find", "item", "case", "queue", "register", "intake", "handover", "sell", "wait", "exchange", "return"].map((name) => `/console/${name}`)];

/** Keep a file if the service has it. An answer that nobody reads would keep its connection, and six are all there are. */
async function keep(cache, path) {
  const answer = await fetch(path).catch(() => null);
  if (answer?.ok) await cache.put(path, answer);
  else await answer?.body?.cancel();
}

const fill = async () => {
  const cache = await caches.open(kept);
  await cache.addAll([...FILES.map((name) => `/console/files/${mark}/${name}`), ...READER, ...PAGES]);
  await Promise.all(SIGNING.map((name) => keep(cache, `/static/${modules}/${name}`)));
};

self.addEventListener("install", (event) => event.waitUntil(fill().then(() => self.skipWaiting())));

self.addEventListener("activate", (event) => {
  const old = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("console-") && name !== kept);
    await Promise.all(names.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(old());
});

/** A page from the network, and kept anew; without a network as it was kept. */
async function page(request, path) {
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) {
      const cache = await caches.open(kept);
      await cache.put(path, answer.clone());
    }
    return answer;
  } catch (error) {
    const found = await caches.match(path);
    if (found) return found;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const { pathname, origin, searchParams } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  if (event.request.mode === "navigate" && PAGES.includes(pathname)) {
    event.respondWith(page(event.request, pathname));
    // Another language was chosen: all pages are kept in it from now on.
    if (searchParams.has("lang")) event.waitUntil(fill());
  } else if (pathname.startsWith(`/console/files/${mark}/`) || pathname.startsWith(`/static/${modules}/`)) {
    event.respondWith(caches.match(event.request).then((found) => found ?? fetch(event.request)));
  }
});
