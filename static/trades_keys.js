// Everything by keyboard. Keys that are typed into a field stay there.

import { byId } from "./dom.js";

/** @param {Record<string, () => void>} actions by key */
export function listenToKeys(actions) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
  byId("help").addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || dialog.open) return;
    if (event.target instanceof Element && event.target.closest("input, select")) return;
    const action = event.key === "?" ? () => dialog.showModal() : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
