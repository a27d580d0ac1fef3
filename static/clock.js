// The server's clock. Ages are counted from it: the visitor's own clock may be wrong.

let offset = 0;

/**
 * Learn the server's time from an answer that was just received.
 * @param {unknown} now ms since 1970
 */
export function learnTime(now) {
  if (typeof now === "number") offset = now - Date.now();
}

/** @returns {number} the server's time, ms since 1970 */
export function serverNow() {
  return Date.now() + offset;
}
