// The server's clock. Ages are counted from it: the visitor's own clock may be wrong.

let offset = 0;

/**
 * Learn the server's time from an answer's Date header. A 304 refreshes that header
 * too, while the "now" inside a cached body grows old.
 * @param {Response} response
 */
export function learnTime(response) {
  const sent = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(sent)) offset = sent - Date.now();
}

/** @returns {number} the server's time, ms since 1970 */
export function serverNow() {
  return Date.now() + offset;
}
