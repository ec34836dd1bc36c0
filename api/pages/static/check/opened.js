// The files that a page lists: opened as they were signed, or not at all. Check (10) of format.md §7, which is made when
// somebody opens one, because photographs weigh more than all else of a page. What is shown small the service drew.

import { hexOf } from "./forms.js";

/** The files that proven entries list, in public or in disclosed members, by digest. */
function listed({ entries, disclosed }) {
  const all = entries.map(({ statement }) => statement.attachments || []);
  for (const members of disclosed.values()) all.push(members.get("attachments") || []);
  return new Map([].concat(...all).map((file) => [file.sha256, file]));
}

/** Let a browser show the bytes themselves, or keep them under their name: nothing is fetched a second time. */
function present(content, file) {
  const address = URL.createObjectURL(new Blob([content], { type: file.media_type }));
  if (file.media_type.startsWith("image/")) location.assign(address);
  else Object.assign(document.createElement("a"), { href: address, download: file.name }).click();
}

/** From now on the page's links to files open what has the digest of `proved`; `wrong` is called for what has not. */
export function guardFiles(proved, sha256, wrong) {
  const files = listed(proved);
  for (const link of document.querySelectorAll('a[href*="/attachments/"]')) {
    const digest = link.getAttribute("href").split("/").pop();
    link.addEventListener("click", async (event) => {
      if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      let content;
      try {
        const answer = await fetch(link.href, { cache: "no-store", redirect: "error", mode: "same-origin" });
        content = answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
      } catch {
        content = null;
      }
      const file = files.get(digest);
      if (content === null) location.assign(link.href); // the server says why, or the browser does
      else if (!file || content.length !== file.size || hexOf(await sha256(content)) !== digest) wrong();
      else present(content, file);
    });
  }
}
