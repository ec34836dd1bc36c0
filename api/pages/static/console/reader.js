// Reading codes out of pictures: by the browser's own reader where it has one, and by a library for QR codes, which is
// fetched when it is first wanted. What the browser's reader does not find, or fails at, the library is asked for:
// there are telephones whose own reader is there and never answers.

import { told } from "./words.js";

const FORMATS = ["qr_code", "data_matrix", "code_128", "ean_13"];
const FILE_BYTES = 32 * 1024 * 1024;
const FILE_PIXELS = 64_000_000;
/** Longest sides in which a picture is looked at: most codes are found in the first, small ones in the second. */
const SIDES = [1280, 2560];
/** Turns and stretches of what is looked at: of codes seen from far aside each finds others (docs/decisions/0025-console.md). */
const LOOKS = [{ turn: 0, tall: 1 }, { turn: Math.PI / 4, tall: 1 }, { turn: 0, tall: 1.25 }, { turn: Math.PI / 8, tall: 1 }];
/** Milliseconds that the library may try on one picture, and on one frame of the camera, of which more come. */
const PATIENCE = { picture: 250, frame: 40 };
let opened;

/** Whether codes can be read here at all. */
export const canRead = () => Boolean(told.reader) || "BarcodeDetector" in window;

/** A picture that cannot be looked at: `message` names a text of the catalogue. */
export class NoPicture extends Error {}

async function own() {
  const known = await BarcodeDetector.getSupportedFormats();
  const formats = FORMATS.filter((one) => known.includes(one));
  if (!formats.length) return null;
  const reader = new BarcodeDetector({ formats });
  return async (canvas) => (await reader.detect(canvas))[0]?.rawValue ?? "";
}

async function library() {
  const { decodeQR } = await import(told.reader);
  return (canvas, timeLimit) => {
    const { width, height } = canvas;
    try {
      return decodeQR(canvas.getContext("2d").getImageData(0, 0, width, height), { effort: Infinity, timeLimit });
    } catch {
      return ""; // it raises where there is no code
    }
  };
}

async function open() {
  const found = await Promise.all([
    "BarcodeDetector" in window ? own().catch(() => null) : null,
    told.reader ? library().catch(() => null) : null,
  ]);
  return found.filter(Boolean);
}

/** What a code in the picture on a canvas says, or "". */
async function read(canvas, patience) {
  opened ??= open();
  const readers = await opened;
  if (!readers.length) throw new NoPicture("failed"); // the library could not be fetched
  for (const reader of readers) {
    const found = await Promise.resolve(reader(canvas, patience)).catch(() => "");
    if (found) return found;
  }
  return "";
}

function drawn(source, [width, height], side, { turn, tall }) {
  const scale = Math.min(1, side / Math.max(width, height));
  const [wide, high] = [width * scale, height * scale * tall];
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(wide * cos + high * sin));
  canvas.height = Math.max(1, Math.round(wide * sin + high * cos));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // what is transparent is paper
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate(turn);
  context.drawImage(source, -wide / 2, -high / 2, wide, high);
  return canvas;
}

/** What a code in the camera's present frame says, or ""; each frame, by its `number`, gets one look. */
export function readFrame(video, number) {
  const size = [video.videoWidth, video.videoHeight];
  return size[0] ? read(drawn(video, size, SIDES[0], LOOKS[number % LOOKS.length]), PATIENCE.frame) : "";
}

/** What a code in a file's picture says, or ""; raises `NoPicture`. Its size is known before its pixels are unpacked. */
export async function readFile(file) {
  if (file.size > FILE_BYTES) throw new NoPicture("picture_large");
  const image = new Image();
  const address = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new NoPicture("picture_wrong"));
      image.src = address;
    });
    const size = [image.naturalWidth, image.naturalHeight];
    if (!size[0] || !size[1]) throw new NoPicture("picture_wrong");
    if (size[0] * size[1] > FILE_PIXELS) throw new NoPicture("picture_large");
    const longest = Math.max(...size);
    for (const side of SIDES.filter((_, at) => at === 0 || longest > SIDES[at - 1])) {
      for (const look of LOOKS) {
        const found = await read(drawn(image, size, side, look), PATIENCE.picture);
        if (found) return found;
      }
    }
    return "";
  } finally {
    URL.revokeObjectURL(address);
  }
}
