// Reads what packing.py writes. An array of two dimensions becomes a list of its rows; nothing is copied but once.

const TYPES = { f4: Float32Array, f8: Float64Array, u1: Uint8Array };
const ALIGNED = 8;
const after = (end) => Math.ceil(end / ALIGNED) * ALIGNED;

// The bytes that Streamlit hands over begin anywhere; views of numbers need an even beginning.
export const aligned = (bytes) => (bytes.byteOffset % ALIGNED ? bytes.slice() : bytes);

// bytes -> value; `edit` may change the JSON before it is read.
export function unpack(bytes, edit = (json) => json) {
  const { buffer, byteOffset } = bytes;
  const length = new DataView(buffer, byteOffset).getUint32(0, true);
  const json = new TextDecoder().decode(bytes.subarray(4, 4 + length));
  const start = byteOffset + after(4 + length);
  return JSON.parse(edit(json), (_, found) => (Array.isArray(found?.array) ? view(buffer, start, ...found.array) : found));
}

function view(buffer, start, type, offset, shape) {
  const Kind = TYPES[type];
  const count = shape.reduce((product, size) => product * size, 1);
  const flat = new Kind(buffer, start + offset, count);
  if (shape.length < 2) return flat;
  const width = shape.at(-1);
  return Array.from({ length: width ? count / width : 0 }, (_, k) => flat.subarray(k * width, (k + 1) * width));
}
