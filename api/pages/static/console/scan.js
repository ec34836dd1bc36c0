// Scanning by the camera, where the browser has a reader of codes and the page came over https.
//
// A hand scanner types like a keyboard and needs none of this; elsewhere the short code is typed.

import { $$, el, message, show } from "./draw.js";
import { say } from "./words.js";

export const canScan = () => "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);

/** Show the buttons that scan into a field, where scanning is possible. */
export function offer(within = document) {
  if (!canScan()) return;
  for (const button of $$("[data-scan]", within)) {
    show(button);
    button.addEventListener("click", () => scan(button));
  }
}

async function scan(button) {
  const input = document.getElementById(button.dataset.scan);
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    message(say("scan_none"));
    return;
  }
  const video = el("video", { playsinline: "", muted: "" });
  let open = true;
  const stop = el("button", { type: "button", class: "plain", click: () => (open = false) }, say("scan_stop"));
  const frame = el("div", { class: "camera" }, video, stop);
  button.closest(".beside").after(frame);
  video.srcObject = stream;
  await video.play();
  const reader = new BarcodeDetector({ formats: ["qr_code", "data_matrix", "code_128", "ean_13"] });
  while (open) {
    const [found] = await reader.detect(video).catch(() => []);
    if (found) {
      input.value = found.rawValue;
      open = false;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  stream.getTracks().forEach((track) => track.stop());
  frame.remove();
  input.focus();
}
