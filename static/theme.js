// Light or dark: the system's until one is chosen. Colours live in style.css only.

import { byId, remember } from "./dom.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {"light" | "dark"} */
export function currentTheme() {
  const chosen = root.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return dark.matches ? "dark" : "light";
}

/** Call `listener` after each change of theme. @param {() => void} listener */
export function onTheme(listener) {
  listeners.add(listener);
}

/** Choose the other theme, and remember it. */
export function toggleTheme() {
  const next = currentTheme() === "dark" ? "light" : "dark";
  root.dataset.theme = next;
  remember("theme", next);
  announce();
}

/** Wire the button and the system's own change. */
export function startTheme() {
  byId("theme").addEventListener("click", toggleTheme);
  dark.addEventListener("change", announce);
  labelButton();
}

/**
 * Read colours of the style sheet as rgb(), for what is drawn by Plotly.
 * @template {string} Name
 * @param {Name[]} names custom properties without their dashes
 * @returns {Record<Name, string>}
 */
export function colours(...names) {
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const read = /** @type {Record<Name, string>} */ ({});
  for (const name of names) {
    probe.style.color = `var(--${name})`;
    read[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return read;
}

function announce() {
  labelButton();
  for (const listener of listeners) listener();
}

function labelButton() {
  const other = currentTheme() === "dark" ? "light" : "dark";
  byId("theme").setAttribute("aria-label", `Use the ${other} theme`);
  byId("theme").title = `Use the ${other} theme (t)`;
}
