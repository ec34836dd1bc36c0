// Tables as shops have them: CSV in any of its usual dialects, and the first sheet of an XLSX workbook. Read in the
// browser, so that a file with other people's data in it goes nowhere, and what it unpacks to costs nobody else.

export const MOST_ROWS = 5000;
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_UNPACKED = 64 * 1024 * 1024;

/** A file that cannot be read: `message` names a text of the catalogue. */
export class Unreadable extends Error {}

/** The rows of a file, each a list of texts; raises `Unreadable`. */
export async function read(file) {
  if (file.size > MOST_BYTES) throw new Unreadable("register_large");
  const raw = new Uint8Array(await file.arrayBuffer());
  const rows = raw[0] === 0x50 && raw[1] === 0x4b ? await workbook(raw) : csv(decoded(raw));
  const filled = rows.map((row) => row.map((one) => one.trim())).filter((row) => row.some(Boolean));
  if (filled.length > MOST_ROWS + 1) throw new Unreadable("register_large");
  return filled;
}

/** Text as UTF-8, or as UTF-16 where a mark says so. */
function decoded(raw) {
  const wide = raw[0] === 0xff && raw[1] === 0xfe ? "utf-16le" : raw[0] === 0xfe && raw[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(wide, { fatal: true }).decode(raw);
  } catch {
    throw new Unreadable("register_unreadable");
  }
}

/** RFC 4180, with comma, semicolon or tab, whichever the first line has most of. */
export function csv(text) {
  const head = text.split(/\r?\n/, 1)[0];
  const [mark] = [",", ";", "\t"].sort((a, b) => head.split(b).length - head.split(a).length);
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const row = rows.at(-1);
    const one = text[at];
    if (quoted) {
      if (one !== '"') row[row.length - 1] += one;
      else if (text[at + 1] === '"') {
        row[row.length - 1] += '"';
        at += 1;
      } else quoted = false;
    } else if (one === '"' && row.at(-1) === "") quoted = true;
    else if (one === mark) row.push("");
    else if (one === "\n" || one === "\r") {
      if (one === "\r" && text[at + 1] === "\n") at += 1;
      rows.push([""]);
    } else row[row.length - 1] += one;
  }
  return rows;
}

/** The parts of a ZIP by name, each unpacked when it is asked for (APPNOTE 4.3). */
function parts(raw) {
  const view = new DataView(raw.buffer);
  let end = raw.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) throw new Unreadable("register_unreadable");
  const found = new Map();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (view.getUint32(at, true) !== 0x02014b50) throw new Unreadable("register_unreadable");
    const [length, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const name = new TextDecoder().decode(raw.subarray(at + 46, at + 46 + length));
    found.set(name, { packed: view.getUint16(at + 10, true) === 8, size: view.getUint32(at + 20, true), start: view.getUint32(at + 42, true) });
    at += 46 + length + extra + comment;
  }
  return async (name) => {
    const one = found.get(name);
    if (!one) return null;
    const start = one.start + 30 + view.getUint16(one.start + 26, true) + view.getUint16(one.start + 28, true);
    const bytes = raw.subarray(start, start + one.size);
    return new DOMParser().parseFromString(new TextDecoder().decode(one.packed ? await unpacked(bytes) : bytes), "application/xml");
  };
}

async function unpacked(bytes) {
  if (typeof DecompressionStream === "undefined") throw new Unreadable("register_old"); // Safari before 16.4
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const found = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > MOST_UNPACKED) throw new Unreadable("register_large");
    found.push(part.value);
  }
  return new Uint8Array(await new Blob(found).arrayBuffer());
}

const texts = (node) => [...node.getElementsByTagName("t")].map((one) => one.textContent).join("");

/** "AB12" is column 27. */
const columnOf = (place) => [...place.replace(/\d/g, "")].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;

async function workbook(raw) {
  try {
    const part = parts(raw);
    const links = await part("xl/_rels/workbook.xml.rels");
    const first = links && [...links.getElementsByTagName("Relationship")].find((one) => one.getAttribute("Type").endsWith("/worksheet"));
    const sheet = await part(first ? `xl/${first.getAttribute("Target").replace(/^\/?(xl\/)?/, "")}` : "xl/worksheets/sheet1.xml");
    const shared = await part("xl/sharedStrings.xml");
    const words = shared ? [...shared.getElementsByTagName("si")].map(texts) : [];
    return [...sheet.getElementsByTagName("row")].map((row) => {
      const cells = [];
      for (const cell of row.getElementsByTagName("c")) {
        const value = cell.getElementsByTagName("v")[0]?.textContent ?? "";
        const kind = cell.getAttribute("t");
        const place = cell.getAttribute("r");
        cells[place ? columnOf(place) : cells.length] = kind === "s" ? (words[Number(value)] ?? "") : kind === "inlineStr" ? texts(cell) : value;
      }
      return Array.from(cells, (one) => one ?? "");
    });
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable("register_unreadable");
  }
}
