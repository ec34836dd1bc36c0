// The log's tiles (C2SP tlog-tiles) read and hashed again in the browser: every leaf hash of level 0 up to the root, and
// what comes out at each eighth level held against the tiles that the server gives for it.

export const WIDTH = 256;

/** The path of tile `n` of a level ("0", "1", … or "entries"), `width` hashes wide. */
export function tilePath(level, n, width) {
  const groups = [String(n % 1000).padStart(3, "0")];
  for (let rest = Math.floor(n / 1000); rest; rest = Math.floor(rest / 1000)) groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  return `/tile/${level}/${groups.join("/")}${width === WIDTH ? "" : `.p/${width}`}`;
}

/** `[n, width]` of every tile that holds `count` hashes. */
export function* tilesOf(count) {
  for (let n = 0; n * WIDTH < count; n++) yield [n, Math.min(WIDTH, count - n * WIDTH)];
}

/** The bytes at a path; throws `Error` with what is missing. */
export async function bytesAt(path) {
  const answer = await fetch(path, { cache: "no-store", redirect: "error", credentials: "same-origin" });
  if (!answer.ok) throw Object.assign(new Error(`${answer.status} for ${path}`), { status: answer.status });
  return new Uint8Array(await answer.arrayBuffer());
}

/** The hashes of a tile; throws for another number of bytes. */
export async function hashesAt(level, n, width) {
  const raw = await bytesAt(tilePath(level, n, width));
  if (raw.length !== width * 32) throw new Error(`${raw.length} bytes in ${tilePath(level, n, width)}`);
  return Array.from({ length: width }, (_, at) => raw.subarray(at * 32, at * 32 + 32));
}

/** The entries of a bundle: each has its length before it, in 16 bits. */
export async function entriesAt(n, width) {
  const raw = await bytesAt(tilePath("entries", n, width));
  const found = [];
  let at = 0;
  while (at + 2 <= raw.length) {
    const end = at + 2 + raw[at] * 256 + raw[at + 1];
    if (end > raw.length) break;
    found.push(raw.subarray(at + 2, end));
    at = end;
  }
  if (at !== raw.length || found.length !== width) throw new Error(`no ${width} entries in ${tilePath("entries", n, width)}`);
  return found;
}

export const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

/** SHA-256 of a leaf (tag 0) or of two nodes (tag 1). */
export async function hashed(sha256, tag, ...parts) {
  const raw = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
  raw[0] = tag;
  let at = 1;
  for (const part of parts) {
    raw.set(part, at);
    at += part.length;
  }
  return sha256(raw);
}

/** A tree that grows leaf by leaf; `levels[k]` are the hashes of its full subtrees of 256^k leaves, k from 1. */
export class Growing {
  #stack = [];
  #sha256;
  size = 0;
  levels = [];

  constructor(sha256) {
    this.#sha256 = sha256;
  }

  /** Add a leaf's hash. */
  async add(leaf) {
    this.size += 1;
    let node = leaf;
    let height = 0;
    for (let rest = this.size; rest % 2 === 0; rest /= 2) {
      node = await hashed(this.#sha256, 1, this.#stack.pop(), node);
      height += 1;
      if (height % 8 === 0) (this.levels[height / 8] ??= []).push(node);
    }
    this.#stack.push(node);
  }

  /** The root of what was added; of nothing, the hash of nothing. */
  async root() {
    if (!this.#stack.length) return this.#sha256(new Uint8Array());
    let node = this.#stack.at(-1);
    for (const left of this.#stack.slice(0, -1).reverse()) node = await hashed(this.#sha256, 1, left, node);
    return node;
  }
}
