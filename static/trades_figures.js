// The line of figures in the box.

import { byId, setText } from "./dom.js";
import * as format from "./format.js";

/**
 * @param {import("./trades_run.js").Run} run
 * @param {number} now of the clock that the run's pace counts by
 */
export function showFigures(run, now) {
  const { pace, seen, missed } = run;
  const running = run.running && run.last !== null;
  const share = running ? pace.boughtShare(now) : null;
  setText(byId("rate"), running ? rateWords(pace.rate(now)) : "\u2013");
  setText(byId("bought"), share === null ? "\u2013" : `${Math.round(share)}%`);
  setText(byId("count"), run.last ? format.count(seen) : "\u2013");
  setText(byId("missed"), run.last ? (missed ? format.count(missed) : "none") : "\u2013");
  byId("missed").className = missed ? "warn" : "";
}

/**
 * @param {boolean} set whether there is a minimum
 * @param {number} crossings
 * @param {number} sounded
 */
export function showAlarms(set, crossings, sounded) {
  const box = byId("box");
  box.dataset.crossings = String(crossings);
  box.dataset.alarms = String(sounded);
  setText(byId("alarms"), set || crossings ? alarmWords(crossings, sounded) : "\u2013");
}

/**
 * @param {number} crossings
 * @param {number} sounded
 */
function alarmWords(crossings, sounded) {
  if (crossings === 0) return "not yet";
  if (sounded === crossings) return `sounded ${times(sounded)}`;
  if (sounded === 0) return `crossed ${times(crossings)}, silent`;
  return `crossed ${times(crossings)}, sounded ${times(sounded)}`;
}

/** @param {number} number */
function times(number) {
  return number === 1 ? "once" : `${format.count(number)} times`;
}

/** @param {number} rate */
function rateWords(rate) {
  return rate >= 99.5 ? format.count(rate) : rate.toFixed(1);
}
