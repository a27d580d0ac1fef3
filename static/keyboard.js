// Everything by keyboard. Keys that are typed into a field stay there.

import { byId } from "./dom.js";

/**
 * @typedef {object} Keys
 * @property {() => void} filter
 * @property {(steps: number) => void} walk
 * @property {(factor: number) => void} zoom
 * @property {() => void} reset
 * @property {(number: number) => void} interval
 * @property {() => void} theme
 * @property {() => void} [zone]
 * @property {() => void} escape
 */

/** @param {Keys} on */
export function listenToKeys(on) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
  byId("help").addEventListener("click", () => dialog.showModal());

  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const actions = {
    "/": () => on.filter(),
    "?": () => dialog.showModal(),
    ArrowLeft: (event) => on.walk(event.shiftKey ? -10 : -1),
    ArrowRight: (event) => on.walk(event.shiftKey ? 10 : 1),
    Home: () => on.walk(-Infinity),
    End: () => on.walk(Infinity),
    "+": () => on.zoom(0.7),
    "=": () => on.zoom(0.7),
    "-": () => on.zoom(1 / 0.7),
    0: () => on.reset(),
    t: () => on.theme(),
    u: () => on.zone?.(),
    Escape: () => on.escape(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (isTypedInto(event.target, event.key)) return;
    const action = /^[1-7]$/.test(event.key)
      ? () => on.interval(Number(event.key)) : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

/**
 * @param {EventTarget | null} target
 * @param {string} key
 */
function isTypedInto(target, key) {
  // In the table the arrows scroll; Escape leaves it.
  const fields = key === "Escape" ? "input, select, textarea" : "input, select, textarea, .candle-table";
  return target instanceof Element && target.closest(fields) !== null;
}
