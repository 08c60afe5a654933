// What our components share: how they live on a page, its theme, files to take away.

import { tab } from "./tab.js";

const LINGER = 500; // ms; Streamlit may take leave of an element and call at once again

// A component's default function: made once an element, shown new data on every call.
export function living(Kind) {
  const made = new WeakMap();
  return ({ data, parentElement, setTriggerValue }) => {
    if (!data) return undefined;
    let component = made.get(parentElement);
    if (!component?.host.isConnected) {
      component = new Kind(parentElement);
      made.set(parentElement, component);
    }
    clearTimeout(component.leaving);
    component.show(data, (name, value) => tab.tell(() => setTriggerValue(name, value)));
    return () => {
      component.leaving = setTimeout(() => {
        component.remove();
        if (made.get(parentElement) === component) made.delete(parentElement);
      }, component.host.isConnected ? LINGER : 0);
    };
  };
}

export function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.appendChild(node);
  return node;
}

export function isDark(node) {
  const [r, g, b] = getComputedStyle(node).color.match(/[\d.]+/g).map(Number);
  return r + g + b > 382; // light text means a dark page
}

export function download(blob, name) {
  const link = document.createElement("a");
  Object.assign(link, { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
