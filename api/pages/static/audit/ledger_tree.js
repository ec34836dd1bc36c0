// A picture of the tree and of one proof: the way from a leaf to the root, and beside it the hashes that prove it.
//
// Drawn from the tree's size and the leaf's index alone; whole subtrees that the proof does not enter are one triangle.
// Whether the proof holds is computed here, and said in words; the same steps stand below the picture as a list.

import { $, el, facts, message, show, technical } from "./draw.js";
import { number, say, typed, when } from "./words.js";
import { checkInclusion, hexOf, openCrypto, parseCheckpoint, parseNote, proofAt, textAt } from "./ledger_checks.js";
import { entriesAt, hashed, hashesAt, same } from "./ledger_tiles.js";

const SVG = "http://www.w3.org/2000/svg";
const WHOLE = 16;
const [NEAR, FAR, DOWN, EDGE] = [18, 56, 54, 34];
const UUID = /^urn:uuid:[0-9a-f-]{36}$/;

/** The greatest power of two below `size`. */
const split = (size) => 2 ** Math.ceil(Math.log2(size) - 1);

/** The nodes of a picture: `{lo, hi, kind, depth, children}`; kind is path, proof or rest. */
export function nodesOf(size, index) {
  const node = (lo, hi, kind, depth) => {
    const inside = index >= lo && index < hi;
    const open = hi - lo > 1 && (inside || size <= WHOLE);
    const middle = lo + (hi - lo > 1 ? split(hi - lo) : 0);
    const child = (from, to) => node(from, to, inside ? (index >= from && index < to ? "path" : "proof") : "rest", depth + 1);
    return { lo, hi, kind, depth, children: open ? [child(lo, middle), child(middle, hi)] : [] };
  };
  return node(0, size, "path", 0);
}

function drawn(name, attributes = {}, ...inside) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...inside);
  return node;
}

const range = ({ lo, hi }) => (hi - lo === 1 ? `${lo}` : `${lo}–${hi - 1}`);

const widthOf = ({ children }) => children.reduce((sum, child) => sum + widthOf(child), 0) || 1;

/** The picture, as wide as there is room for its leaves beside each other, within reason. */
function picture(root, size, index, room) {
  const across = Math.min(FAR, Math.max(NEAR, (room - 2 * EDGE) / Math.max(1, widthOf(root) - 1)));
  const [lines, marks] = [[], []];
  let [columns, depth] = [0, 0];
  const place = (node) => {
    depth = Math.max(depth, node.depth);
    const below = node.children.map(place);
    const x = below.length ? (below[0] + below[1]) / 2 : EDGE + across * columns++;
    const y = EDGE + DOWN * node.depth;
    node.children.forEach((child, at) => lines.push(drawn("line", { x1: x, y1: y, x2: below[at], y2: y + DOWN, class: child.kind === "path" ? "path" : "" })));
    const closed = !node.children.length && node.hi - node.lo > 1;
    const shape = closed ? drawn("path", { d: `M${x} ${y - 10}l15 22h-30z` }) : drawn("circle", { cx: x, cy: y, r: 9 });
    marks.push(drawn("g", { class: node.kind }, shape, drawn("text", { x, y: y + (node.hi - node.lo === 1 && node.lo % 2 ? 36 : 24) }, node.children.length ? "" : range(node))));
    return x;
  };
  place(root);
  const [width, height] = [EDGE * 2 + across * Math.max(0, columns - 1), EDGE * 2 + DOWN * depth + 12];
  const title = drawn("title", { id: "tree-title" }, say("picture_alt", { size: number(size), index: number(index) }));
  return drawn("svg", { class: "tree", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": "tree-title" }, title, ...lines, ...marks);
}

/** The subtrees whose hashes are the proof, from the leaf upward. */
function proving(root) {
  const found = [];
  for (let node = root; node.children.length; node = node.children.find((one) => one.kind === "path")) found.unshift(node.children.find((one) => one.kind === "proof"));
  return found;
}

async function entry(index, size, leaf, crypto) {
  const n = Math.floor(index / 256);
  try {
    const raw = (await entriesAt(n, Math.min(256, size - n * 256)))[index % 256];
    if (!same(await hashed(crypto.sha256, 0, raw), leaf)) throw new Error(say("wrong_entry", { index }));
    const told = JSON.parse(new TextDecoder().decode(raw));
    const statement = told.statement ?? {};
    const subjects = (statement.subjects ?? []).map((one) => (UUID.test(one) || one.startsWith("http") ? el("a", { href: `/console/item?id=${encodeURIComponent(one)}` }, one) : one));
    facts($("[data-entry]"), [
      [say("type"), typed(statement.type ?? say("seal"))],
      [say("party"), statement.party],
      [say("recorded"), when(told.recorded_at)],
      [say("subject"), subjects.length ? el("span", {}, ...subjects) : null],
      [say("statement"), statement.id],
    ]);
    show($("[data-entry-none]"), false);
  } catch (error) {
    if (!error.status) throw error;
    show($("[data-entry-none]"));
  }
}

function verdict(tone, text, detail = "") {
  const node = $("[data-verdict]");
  node.className = `banner ${tone}`;
  node.replaceChildren(text, ...(detail ? [technical(detail)] : []));
  show(node);
}

async function draw(index) {
  const checkpoint = parseCheckpoint(parseNote(await textAt("/checkpoint")).text);
  const size = Number(checkpoint.size);
  if (index >= size) return message(say("no_such_index", { size: number(size) }), "bad");
  message("");
  const root = nodesOf(size, index);
  $("[data-picture]").replaceChildren(picture(root, size, index, $("[data-picture]").clientWidth));
  const crypto = await openCrypto();
  if (!crypto) return verdict("note", say("no_crypto"));
  const n = Math.floor(index / 256);
  const leaf = (await hashesAt(0, n, Math.min(256, size - n * 256)))[index % 256];
  const proof = await proofAt(`/v1/log/proof/inclusion?index=${index}&size=${size}`);
  const steps = proving(root).map((node, at) => el("li", {}, el("strong", {}, say(node.lo > index ? "proof_right" : "proof_left", { range: range(node) })), " ", el("span", { class: "hash" }, proof[at] ?? "–")));
  $("[data-proof]").replaceChildren(el("li", {}, el("strong", {}, say("proof_leaf", { index })), " ", el("span", { class: "hash" }, hexOf(leaf))), ...steps, el("li", {}, el("strong", {}, say("root")), " ", el("span", { class: "hash" }, checkpoint.root)));
  try {
    await checkInclusion(crypto.sha256, BigInt(index), BigInt(size), hexOf(leaf), proof, checkpoint.root);
    verdict("good", say("proof_holds", { n: proof.length, index: number(index), size: number(size) }));
  } catch (error) {
    verdict("bad", say("verdict_wrong", { why: say("wrong_proof") }), error.message);
  }
  return entry(index, size, leaf, crypto);
}

export async function start() {
  const form = $("[data-index]");
  const asked = new URLSearchParams(location.search).get("index") ?? "0";
  form.elements.index.value = /^[0-9]{1,15}$/.test(asked) ? asked : "0";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const index = Number(form.elements.index.value);
    history.replaceState(null, "", `?index=${index}`);
    draw(index).catch((error) => message(say("audit_broken"), "bad", [technical(error.message)]));
  });
  await draw(Number(form.elements.index.value));
}
