// A photograph drawn anew: upright, in sRGB, no larger than somebody looks at, and nothing in the file but the picture.
//
// The browser's own JPEG is brought to the plain form that the service keeps byte for byte (`api/files/plain.py`). So
// its digest is known here, a statement can name it before it was sent, and where it was taken never leaves the device.

import { bytesOf, hexOf, joined } from "./forms.js";
import { sha256 } from "./owner_keys.js";

const SIDE = 2560; // pixels
const QUALITY = 0.9;
const TYPE = "image/jpeg";
const HEAD = bytesOf("ffd8ffe000104a46494600010100000100010000"); // SOI, and JFIF 1.01
const PARTS = [0xdb, 0xc0, 0xc4]; // tables, a baseline frame
const SCAN = 0xda;

/** `{file, attachment}` as a statement names it; null where pictures cannot be drawn, or this file is none. */
export async function photoOf(file, name) {
  if (!readable()) return null;
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const raw = plain(new Uint8Array(await (await drawn(image)).arrayBuffer()));
    if (!raw) return null;
    const attachment = { name, media_type: TYPE, size: raw.length, sha256: hexOf(await sha256(raw)) };
    return { file: new Blob([raw], { type: TYPE }), attachment };
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const brush = canvas.getContext("2d");
  brush.fillStyle = "#fff"; // where a picture lets see through
  brush.fillRect(0, 0, width, height);
  return { canvas, brush };
}

/** Whether what is drawn is what is read: some browsers give noise instead, lest pages know them by their drawings. */
function readable() {
  const { brush } = canvasOf(8, 8);
  return brush.getImageData(0, 0, 8, 8).data.every((one) => one === 255);
}

function drawn(image) {
  const { naturalWidth: wide, naturalHeight: high } = image;
  const scale = Math.min(1, SIDE / Math.max(wide, high));
  const [width, height] = [wide, high].map((side) => Math.max(1, Math.round(side * scale)));
  const { canvas, brush } = canvasOf(width, height);
  brush.drawImage(image, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, TYPE, QUALITY));
}

/** A JPEG with its tables, its frame and its scan, and nothing else; null for one of another kind. */
function plain(raw) {
  const parts = [HEAD];
  for (let at = 2; raw[at] === 0xff; ) {
    const [kind, end] = [raw[at + 1], at + 2 + 256 * raw[at + 2] + raw[at + 3]];
    if (kind === SCAN) return joined(...parts, raw.subarray(at));
    if (PARTS.includes(kind)) parts.push(raw.subarray(at, end));
    else if (kind !== 0xfe && kind >> 4 !== 0xe) return null; // a comment, or what programs add
    at = end;
  }
  return null;
}
