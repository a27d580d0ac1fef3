// Plotly is a classic script that is still being read when the modules start.

/**
 * The few parts of Plotly's types that this page uses.
 * @typedef {Record<string, any> & {type: string}} Trace
 * @typedef {Record<string, any>} Layout
 * @typedef {object} Plotly
 * @property {(target: HTMLElement, data: Trace[], layout: Layout, config?: object) => Promise<unknown>} react
 * @property {(target: HTMLElement, update: Record<string, unknown>) => Promise<unknown>} relayout
 * @property {(figure: {data: Trace[], layout: Layout}, options: object) => Promise<string>} toImage
 */

/** No bar of its own, no gestures of its own: the page has buttons, wheel and drag. */
export const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  doubleClick: false,
  scrollZoom: false,
  showTips: false,
};

const script = /** @type {HTMLScriptElement} */ (document.getElementById("plotly"));

/** @returns {Plotly | undefined} */
function loaded() {
  return /** @type {any} */ (globalThis).Plotly;
}

/** @type {Promise<Plotly>} */
export const plotly = new Promise((resolve, reject) => {
  const settle = () => {
    const found = loaded();
    if (found) resolve(found);
  };
  settle();
  script.addEventListener("load", settle);
  script.addEventListener("error", () => {
    reject(new Error("the drawing library did not arrive; run: npm ci"));
  });
});
