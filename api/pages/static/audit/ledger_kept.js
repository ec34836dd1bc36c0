// What this browser keeps of its audits: the last one, and the newest checkpoint that it proved. In this site's storage
// alone; whoever clears it begins anew, and the page says so.

const NAME = "patina/v1/audit";

/** `{at, size, root, vkey, proved, wrong}` of the last audit here; null if there was none or storage is denied. */
export function lastAudit() {
  try {
    return JSON.parse(localStorage.getItem(NAME));
  } catch {
    return null;
  }
}

/** Keep an audit; false where nothing can be kept. */
export function keepAudit(kept) {
  try {
    localStorage.setItem(NAME, JSON.stringify(kept));
    return true;
  } catch {
    return false;
  }
}
