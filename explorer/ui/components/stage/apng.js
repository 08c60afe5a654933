// An animated PNG of few bytes: one palette for all frames, and of each frame only what changed.
// The format: https://www.w3.org/TR/png-3/#apng-frame-based-animation

const CLEAR = 255; // the palette's last entry: what shines through from the frame before
const BINS = 1 << 15; // colours are told apart by five bits a channel

const bin = (data, k) => ((data[k] >> 3) << 10) | ((data[k + 1] >> 3) << 5) | (data[k + 2] >> 3);

// The most frequent colours of some pictures (ImageData), and for each colour the nearest of them.
export class Palette {
  constructor(pictures) {
    const count = new Uint32Array(BINS), sums = [0, 1, 2].map(() => new Float64Array(BINS));
    for (const { data } of pictures) {
      for (let k = 0; k < data.length; k += 4) {
        const found = bin(data, k);
        count[found] += 1;
        for (let channel = 0; channel < 3; channel++) sums[channel][found] += data[k + channel];
      }
    }
    const frequent = Array.from(count.keys()).filter((found) => count[found]).sort((a, b) => count[b] - count[a]).slice(0, CLEAR);
    this.colours = frequent.map((found) => sums.map((sum) => Math.round(sum[found] / count[found])));
    this.known = new Int16Array(BINS).fill(-1);
    frequent.forEach((found, index) => (this.known[found] = index));
  }

  nearest(found) {
    const wanted = [found >> 10, (found >> 5) & 31, found & 31].map((five) => five * 8 + 4);
    const distance = (colour) => colour.reduce((sum, value, channel) => sum + (value - wanted[channel]) ** 2, 0);
    let best = 0;
    this.colours.forEach((colour, index) => { if (distance(colour) < distance(this.colours[best])) best = index; });
    return (this.known[found] = best);
  }

  // The picture as one byte a pixel.
  indices({ data }) {
    const out = new Uint8Array(data.length / 4);
    for (let k = 0; k < out.length; k++) {
      const found = bin(data, 4 * k), known = this.known[found];
      out[k] = known < 0 ? this.nearest(found) : known;
    }
    return out;
  }
}

export class Animation {
  constructor(width, height, palette, delay) {
    Object.assign(this, { width, height, palette, delay, frames: [] });
  }

  async add(picture) {
    const now = this.palette.indices(picture);
    const area = this.last ? changed(this.last, now, this.width) : { x: 0, y: 0, width: this.width, height: this.height };
    this.frames.push({ ...area, data: await deflated(this.rows(now, area)) });
    this.last = now;
  }

  // The rows of an area, each after its filter byte; what is as before is clear.
  rows(now, { x, y, width, height }) {
    const out = new Uint8Array(height * (width + 1));
    for (let row = 0; row < height; row++) {
      const from = (y + row) * this.width + x, to = row * (width + 1) + 1;
      for (let k = 0; k < width; k++) out[to + k] = this.last?.[from + k] === now[from + k] ? CLEAR : now[from + k];
    }
    return out;
  }

  blob() {
    const { width, height, palette, frames, delay } = this;
    const colours = new Uint8Array(3 * 256), alpha = new Uint8Array(256).fill(255);
    palette.colours.forEach((colour, k) => colours.set(colour, 3 * k));
    alpha[CLEAR] = 0;
    const parts = [
      new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]),
      chunk("IHDR", words(width, height), [8, 3, 0, 0, 0]),
      chunk("acTL", words(frames.length, 0)),
      chunk("PLTE", colours),
      chunk("tRNS", alpha),
    ];
    let number = 0;
    frames.forEach((frame, k) => {
      const held = k === frames.length - 1 ? 4 * delay : delay; // the last one stands longer
      parts.push(chunk("fcTL", words(number++, frame.width, frame.height, frame.x, frame.y), halves(held, 1000), [0, k ? 1 : 0]));
      parts.push(k ? chunk("fdAT", words(number++), frame.data) : chunk("IDAT", frame.data));
    });
    return new Blob([...parts, chunk("IEND")], { type: "image/png" });
  }
}

// The smallest box around what differs; one pixel where nothing does.
function changed(before, now, across) {
  let left = across, right = 0, top = -1, bottom = 0;
  for (let k = 0; k < now.length; k++) {
    if (before[k] === now[k]) continue;
    const x = k % across;
    bottom = (k - x) / across;
    if (top < 0) top = bottom;
    if (x < left) left = x;
    if (x > right) right = x;
  }
  return top < 0 ? { x: 0, y: 0, width: 1, height: 1 } : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const words = (...numbers) => numbers.flatMap((number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255));
const halves = (...numbers) => numbers.flatMap((number) => [(number >> 8) & 255, number & 255]);

function chunk(name, ...contents) {
  const content = contents.reduce((sum, part) => sum + part.length, 0);
  const out = new Uint8Array(12 + content);
  out.set(words(content));
  out.set(new TextEncoder().encode(name), 4);
  let end = 8;
  for (const part of contents) {
    out.set(part, end);
    end += part.length;
  }
  out.set(words(checksum(out.subarray(4, end))), end);
  return out;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, k) => {
  for (let bit = 0; bit < 8; bit++) k = k & 1 ? 0xedb88320 ^ (k >>> 1) : k >>> 1;
  return k;
});

// CRC-32, as PNG asks for it.
function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}
