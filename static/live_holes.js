// Hatched bands where the exchange or the table has no candles, drawn on the canvas.

/** @typedef {import("./candle_book.js").Hole} Hole */
/** @typedef {import("lightweight-charts").Time} Time */
/** @typedef {import("lightweight-charts").SeriesAttachedParameter<Time>} Attached */
/**
 * The first and the last empty place of a hole.
 * @typedef {{first: Time, last: Time}} Band
 */

const SPACING = 7;

export class HolesPrimitive {
  /** @type {Band[]} */
  #bands = [];
  #colour = "gray";
  /** @type {Attached | null} */
  #chart = null;
  #views = [{
    zOrder: () => /** @type {const} */ ("bottom"),
    renderer: () => ({ draw: this.#draw }),
  }];

  /** @param {Attached} chart */
  attached(chart) {
    this.#chart = chart;
  }

  detached() {
    this.#chart = null;
  }

  paneViews() {
    return this.#views;
  }

  /** @param {Band[]} bands */
  show(bands) {
    this.#bands = bands;
    this.#chart?.requestUpdate();
  }

  /** @param {string} colour */
  paint(colour) {
    this.#colour = colour;
    this.#chart?.requestUpdate();
  }

  /** @param {{useMediaCoordinateSpace: (draw: (scope: any) => void) => void}} target */
  #draw = (target) => {
    const scale = this.#chart?.chart.timeScale();
    if (!scale || !this.#bands.length) return;
    const half = scale.options().barSpacing / 2;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      for (const { first, last } of this.#bands) {
        const [left, right] = [scale.timeToCoordinate(first), scale.timeToCoordinate(last)];
        if (left === null || right === null) continue;
        if (right + half < 0 || left - half > mediaSize.width) continue;
        hatch(context, Math.max(left - half, -SPACING), Math.min(right + half, mediaSize.width + SPACING),
          mediaSize.height, this.#colour);
      }
    });
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} left
 * @param {number} right
 * @param {number} height
 * @param {string} colour
 */
function hatch(context, left, right, height, colour) {
  context.save();
  context.beginPath();
  context.rect(left, 0, right - left, height);
  context.clip();
  context.fillStyle = colour;
  context.globalAlpha = 0.07;
  context.fill();
  context.globalAlpha = 0.4;
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let x = left - height; x < right; x += SPACING) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
}
