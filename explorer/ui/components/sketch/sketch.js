/** A canvas: strokes are kept as SIDE × SIDE pixels, on or off, and told when the hand has lifted. */

import { tab } from "./tab.js";

export default function ({ parentElement, data, setTriggerValue }) {
  const tell = (drawn) => tab.tell(() => setTriggerValue("drawn", drawn));
  const canvas = parentElement.querySelector("canvas");
  const button = parentElement.querySelector("button");
  const pen = canvas.getContext("2d");
  canvas.setAttribute("aria-label", data.label);
  button.textContent = data.erase;
  pen.lineWidth = canvas.width / 8;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "#31333e";
  let at = null;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  const wipe = () => pen.clearRect(0, 0, canvas.width, canvas.height);
  const pixels = () => {
    const { data: bytes } = pen.getImageData(0, 0, canvas.width, canvas.height);
    const each = canvas.width / SIDE;
    let text = "";
    for (let row = 0; row < SIDE; row += 1) {
      for (let column = 0; column < SIDE; column += 1) {
        const middle = Math.floor((row + 0.5) * each) * canvas.width + Math.floor((column + 0.5) * each);
        text += bytes[4 * middle + 3] > 127 ? "1" : "0";
      }
    }
    return text;
  };

  const stroke = (next) => {
    pen.beginPath();
    pen.moveTo(...at);
    pen.lineTo(...next);
    pen.stroke();
    at = next;
  };

  if (data.empty) wipe();
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    at = place(event);
    stroke(at); // a dot, as long as the hand rests
  };
  canvas.onpointermove = (event) => at && stroke(place(event));
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (at) tell(pixels());
    at = null;
  };
  button.onclick = () => {
    wipe();
    tell("0".repeat(SIDE * SIDE));
  };
}
