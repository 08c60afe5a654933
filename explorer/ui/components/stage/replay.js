// The run as one HTML file that needs no server: its bytes, our scripts as data URLs, the same stage.

const base64 = (bytes) => {
  let text = "";
  for (let k = 0; k < bytes.length; k += 0x8000) text += String.fromCharCode(...bytes.subarray(k, k + 0x8000));
  return btoa(text);
};
const script = (code) => `data:text/javascript;base64,${base64(new TextEncoder().encode(code))}`;
const json = (value) => JSON.stringify(value).replaceAll("<", "\\u003c"); // nothing in it ends a script
const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.codePointAt(0)};`);
const IMPORT = /^(import .* from )"([^"$]+)";$/gm;
const nameOf = (url) => url.split("/").at(-1);

// A script and all that it imports, name -> code; they import one another by name.
async function modules(url, found = {}) {
  if (nameOf(url) in found) return found;
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const code = await answer.text();
  found[nameOf(url)] = code.replace(IMPORT, (_, line, path) => `${line}"${nameOf(path)}";`);
  for (const [, , path] of code.matchAll(IMPORT)) await modules(new URL(path, url).href, found);
  return found;
}

// stage: about, the packed run, the URL of its script. Returns a Blob.
export async function replay({ about, packed, source, cursor }) {
  const code = await modules(source);
  const style = await (await fetch(new URL(about.css, source))).text();
  const imports = Object.fromEntries(Object.entries(code).map(([name, text]) => [name, script(text)]));
  const here = { step: cursor.step + 1, unit: cursor.unit + 1, level: cursor.level, quantity: cursor.quantity, back: cursor.back };
  const told = { ...about, cursor: JSON.stringify(here), css: null, proof: null, alone: true };
  const [light, dark] = about.palettes;
  const both = (name) => `light-dark(${light[name]}, ${dark[name]})`;
  const page = `<!doctype html>
<html lang="${about.language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(about.title)}</title>
<style>
:root { color-scheme: light dark; --st-text-color: ${both("ink")}; --st-background-color: ${both("paper")}; --st-border-color: ${both("line")};
  --st-primary-color: ${both("accent")}; --st-font: ${about.font}; }
body { margin: 0 auto; max-width: 1200px; padding: 1.5rem; color: var(--st-text-color); background: var(--st-background-color); font-family: var(--st-font); }
h1 { font-size: 1.9rem; margin: 0 0 0.25rem; }
* { box-sizing: border-box; }
${style}
</style>
<script type="importmap">${json({ imports })}</script>
<main>
<h1>${escaped(about.title)}</h1>
<p>${escaped(about.note)}</p>
<div id="place"><div class="stage" role="group" tabindex="0"></div></div>
</main>
<script type="application/json" id="about">${json(told)}</script>
<script type="application/octet-stream" id="run">${base64(packed)}</script>
<script type="module">
import { Stage } from "${nameOf(source)}";
const read = (id) => document.getElementById(id).textContent;
const run = Uint8Array.from(atob(read("run")), (letter) => letter.charCodeAt(0));
const stage = new Stage(document.getElementById("place"));
const present = () => stage.present(JSON.parse(read("about")), run, () => {});
present();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", present);
</script>
</html>
`;
  return new Blob([page], { type: "text/html" });
}
