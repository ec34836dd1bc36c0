// A code into a field: by the camera, where the page came over https, or from a picture of it, everywhere.
//
// A hand scanner types like a keyboard and needs none of this; the short code can always be typed.

import { $$, el, message, show } from "./draw.js";
import { say } from "./words.js";
import { canRead, NoPicture, readFile, readFrame } from "./reader.js";

const PAUSE = 120;

export const canScan = () => canRead() && Boolean(navigator.mediaDevices?.getUserMedia);

/** Show the buttons that put a code into a field, as far as this browser can. */
export function offer(within = document) {
  if (canScan()) offered("scan", scan, within);
  if (canRead()) offered("picture", choose, within);
}

function offered(name, act, within) {
  for (const button of $$(`[data-${name}]`, within)) {
    const input = document.getElementById(button.dataset[name]);
    show(button);
    button.addEventListener("click", () => act(button, input));
  }
}

function found(input, text) {
  message("");
  input.value = text.slice(0, input.maxLength); // as if it were typed
  input.dispatchEvent(new Event("change", { bubbles: true }));
  input.focus();
}

async function scan(button, input) {
  button.disabled = true;
  try {
    const text = await filmed(button);
    if (text) found(input, text);
    else input.focus();
  } catch (error) {
    message(say(error instanceof NoPicture ? error.message : "scan_none"), "bad");
  } finally {
    button.disabled = false;
  }
}

/** What the camera sees first, or "" if somebody ended it. */
async function filmed(button) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  const video = el("video", { playsinline: "" });
  video.muted = true; // the attribute alone does not mute what a script has made
  let open = true;
  const stop = () => (open = false);
  const frame = el("div", { class: "camera", keydown: (event) => event.key === "Escape" && stop() }, video, el("button", { type: "button", class: "plain", click: stop }, say("scan_stop")));
  try {
    button.closest(".beside").after(frame);
    frame.lastChild.focus();
    video.srcObject = stream;
    await video.play();
    for (let number = 0; open && frame.isConnected; number += 1) {
      const text = await readFrame(video, number);
      if (text) return text;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    return "";
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    frame.remove();
  }
}

/** A picture from the files; where the page has no camera of its own, from the tablet's. */
function choose(button, input) {
  const file = el("input", { type: "file", accept: "image/*", capture: canScan() ? null : "environment" });
  file.addEventListener("change", async () => {
    if (!file.files[0]) return;
    button.disabled = true;
    try {
      const text = await readFile(file.files[0]);
      if (text) found(input, text);
      else message(say("picture_none"), "bad");
    } catch (error) {
      if (!(error instanceof NoPicture)) throw error;
      message(say(error.message), "bad");
    } finally {
      button.disabled = false;
    }
  });
  file.click();
}
