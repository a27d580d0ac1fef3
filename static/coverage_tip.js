// What a cell holds, beside it: under the pointer, or where the keyboard is.

import { contentOf } from "./coverage_calendar.js";
import { cellCounts } from "./coverage_words.js";
import { byId, make } from "./dom.js";

const GAP = 8;

export function startTip() {
  const tip = byId("tip");
  /** @type {Element | null} */
  let at = null;
  const show = (/** @type {Event} */ { target }) => {
    at = target instanceof Element ? target.closest("a.cell") : null;
    const content = at && contentOf(at);
    tip.hidden = !content;
    if (!at || !content) return;
    const { title, cell, hint } = content;
    tip.dataset.state = cell.state;
    tip.replaceChildren(
      make("b", {}, title), make("span", {}, `${cellCounts(cell)}.`), make("span", { class: "hint" }, hint));
    place(tip, at.getBoundingClientRect());
  };
  const hide = () => {
    tip.hidden = true;
  };
  const follow = () => {
    if (!tip.hidden && at?.isConnected) place(tip, at.getBoundingClientRect());
    else hide();
  };
  document.addEventListener("pointerover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", hide);
  document.documentElement.addEventListener("pointerleave", hide);
  document.addEventListener("click", hide);
  addEventListener("scroll", follow, { passive: true, capture: true });
}

/**
 * Above the cell, or below where there is no room, and inside the window.
 * @param {HTMLElement} tip
 * @param {DOMRect} cell
 */
function place(tip, cell) {
  const { width, height } = tip.getBoundingClientRect();
  const room = document.documentElement.clientWidth - width - GAP;
  const left = Math.max(GAP, Math.min(cell.left + cell.width / 2 - width / 2, room));
  const above = cell.top - height - GAP;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 0 ? above : cell.bottom + GAP}px`;
}
