// Numbers and times as people read them. Pure functions.

const MINUS = "\u2212";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @typedef {"utc" | "local"} Zone */

/**
 * A price from its exact digits: grouped, with at least the symbol's digits. Digits
 * beyond those are kept where they say something: nothing is rounded away.
 * @param {string} exact for example "64210.50000000"
 * @param {number} digits
 */
export function price(exact, digits) {
  const [whole, fraction = ""] = exact.replace("-", "").split(".");
  const kept = fraction.replace(/0+$/, "").padEnd(digits, "0");
  const sign = exact.startsWith("-") ? MINUS : "";
  return `${sign}${group(whole)}${kept ? `.${kept}` : ""}`;
}

/**
 * An exact decimal, grouped, without its trailing zeros.
 * @param {string} exact
 */
export function exactNumber(exact) {
  return price(exact, 0);
}

/**
 * The shortest decimal of a number, never with an exponent: "0.00000071".
 * @param {number} value
 */
export function decimal(value) {
  const text = String(value);
  if (!text.includes("e")) return text;
  return value.toLocaleString("en-US", { useGrouping: false, maximumFractionDigits: 20 });
}

/** @param {number} value */
export function count(value) {
  return group(String(Math.round(value)));
}

/**
 * A volume in three or four digits: 950, 1.2k, 3.4M, 5.6B, 7.8T.
 * @param {number} value
 */
export function short(value) {
  const steps = /** @type {const} */ ([[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]);
  for (const [size, unit] of steps) {
    if (Math.abs(value) >= size * 0.9995) return `${threeDigits(value / size)}${unit}`;
  }
  return value !== 0 && Math.abs(value) < 1 ? trimmed(value.toPrecision(2)) : threeDigits(value);
}

/**
 * A change with its sign: "+1.84%".
 * @param {number} value
 */
export function percent(value) {
  const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const sign = text === "0.00" ? "" : value > 0 ? "+" : MINUS;
  return `${sign}${text}%`;
}

/** @param {number | null} value */
export function direction(value) {
  if (value === null || Number(value.toFixed(2)) === 0) return "flat";
  return value > 0 ? "rising" : "falling";
}

/**
 * 2026-11-21 12:31 UTC, or the local time with its zone's name.
 * @param {number} time ms
 * @param {Zone} zone
 */
export function dateTime(time, zone) {
  return `${day(time, zone)} ${clock(time, zone)} ${zoneName(time, zone)}`;
}

/**
 * The same without the zone, for columns whose heading names it.
 * @param {number} time ms
 * @param {Zone} zone
 */
export function plainDateTime(time, zone) {
  return `${day(time, zone)} ${clock(time, zone)}`;
}

/**
 * @param {number} time ms
 * @param {Zone} zone
 */
export function day(time, zone) {
  return iso(time, zone).slice(0, 10);
}

/**
 * The time of day, with seconds only where there are some.
 * @param {number} time ms
 * @param {Zone} zone
 */
export function clock(time, zone) {
  const text = iso(time, zone);
  return time % MINUTE === 0 ? text.slice(11, 16) : text.slice(11, 19);
}

/**
 * The time of day to the minute.
 * @param {number} time ms
 * @param {Zone} zone
 */
export function minuteOf(time, zone) {
  return iso(time, zone).slice(11, 16);
}

/**
 * @param {number} time ms
 * @param {Zone} zone
 */
export function zoneName(time, zone) {
  if (zone === "utc") return "UTC";
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(time);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "local";
}

/**
 * "2018-02-08 01:00 to 2018-02-09 09:28 UTC"
 * @param {number} start ms
 * @param {number} end ms
 * @param {Zone} zone
 */
export function span(start, end, zone) {
  const from = `${day(start, zone)} ${minuteOf(start, zone)}`;
  return `${from} to ${day(end, zone)} ${minuteOf(end, zone)} ${zoneName(end, zone)}`;
}

/**
 * @param {number} time ms
 * @param {number} now ms
 */
export function ago(time, now) {
  const text = duration(now - time);
  return text === "0 s" ? "just now" : `${text} ago`;
}

/** @param {number} length ms */
export function duration(length) {
  if (length < MINUTE) return `${Math.max(0, Math.floor(length / 10_000) * 10)} s`;
  if (length < 2 * HOUR) return `${Math.floor(length / MINUTE)} min`;
  if (length < 2 * DAY) return `${Math.floor(length / HOUR)} h`;
  return `${count(Math.floor(length / DAY))} days`;
}

/**
 * Move a time so that its UTC fields read as the zone's wall clock.
 * @param {number} time ms
 * @param {Zone} zone
 */
export function wallClock(time, zone) {
  return zone === "utc" ? time : time - new Date(time).getTimezoneOffset() * MINUTE;
}

/**
 * The naive string that Plotly takes, in the zone's wall clock.
 * @param {number} time ms
 * @param {Zone} zone
 */
export function naive(time, zone) {
  return iso(time, zone).slice(0, 23);
}

/**
 * @param {number} time
 * @param {Zone} zone
 */
function iso(time, zone) {
  return new Date(wallClock(time, zone)).toISOString();
}

/**
 * With a capital and a full stop.
 * @param {string} text
 */
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** @param {string} whole */
function group(whole) {
  return whole.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** @param {number} value */
function threeDigits(value) {
  const size = Math.abs(value);
  return trimmed(value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2));
}

/** @param {string} text */
function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
