// Mouse, touch and wheel over the chart, as pans and zooms.

/**
 * Fractions are of the surface's width.
 * @typedef {object} Gestures
 * @property {(fraction: number) => void} pan positive: the candles move right
 * @property {(factor: number, at: number) => void} zoom
 * @property {(x: number, y: number) => void} point
 * @property {() => void} leave
 * @property {() => void} reset
 */

const WHEEL_ZOOM = 0.0016;
const LINE = 16;

/**
 * @param {HTMLElement} surface
 * @param {Gestures} on
 */
export function listenToGestures(surface, on) {
  listenToPointers(surface, on);
  surface.addEventListener("dblclick", on.reset);
  surface.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = surface.getBoundingClientRect();
    const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      on.pan((-sideways * scale) / box.width);
    } else {
      const factor = Math.exp(Math.max(-240, Math.min(240, event.deltaY * scale)) * WHEEL_ZOOM);
      on.zoom(factor, (event.clientX - box.left) / box.width);
    }
  }, { passive: false });
}

/**
 * One pointer pans, two pinch, none that is down points.
 * @param {HTMLElement} surface
 * @param {Gestures} on
 */
function listenToPointers(surface, on) {
  /** @type {Map<number, PointerEvent>} */
  const down = new Map();

  surface.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    down.set(event.pointerId, event);
    surface.setPointerCapture(event.pointerId);
    surface.classList.add("grabbed");
    point(event);
  });
  surface.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return point(event);
    const other = [...down.values()].find((each) => each.pointerId !== event.pointerId);
    if (other) pinch(before, event, other);
    else drag(before, event);
    down.set(event.pointerId, event);
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    surface.addEventListener(end, (event) => {
      down.delete(event.pointerId);
      if (!down.size) surface.classList.remove("grabbed");
    });
  }
  surface.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") on.leave();
  });

  /** @param {PointerEvent} event */
  function point(event) {
    const box = surface.getBoundingClientRect();
    on.point(event.clientX - box.left, event.clientY - box.top);
  }

  /**
   * @param {PointerEvent} before
   * @param {PointerEvent} event
   */
  function drag(before, event) {
    const moved = event.clientX - before.clientX;
    if (moved) on.pan(moved / surface.clientWidth);
    point(event);
  }

  /**
   * @param {PointerEvent} before
   * @param {PointerEvent} event
   * @param {PointerEvent} other
   */
  function pinch(before, event, other) {
    const box = surface.getBoundingClientRect();
    const was = Math.max(24, Math.abs(before.clientX - other.clientX));
    const is = Math.max(24, Math.abs(event.clientX - other.clientX));
    const centre = (event.clientX + other.clientX) / 2 - box.left;
    on.zoom(was / is, centre / box.width);
  }
}
