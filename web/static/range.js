/** A range of time: what is asked of the server, and its words. No `since`: the live view. */

import { stamp } from "./words.js";
import { when } from "./when.js";

/**
 * @typedef {object} Range
 * @property {string} since RFC 3339 or `-15m`; included. Empty: live
 * @property {string} until RFC 3339 or `-5m`; not included. Empty: now, when it is asked
 */

/** Ranges that are one click away. */
export const PRESETS = [
  { since: "-15m", words: "Last 15 min", short: "15 min" },
  { since: "-1h", words: "Last hour", short: "1 h" },
  { since: "-24h", words: "Last 24 hours", short: "24 h" },
];

/**
 * @param {Range} range that is not live
 * @param {number} now ms since the epoch
 * @returns {{since: number, until: number}|null} ms since the epoch; null: the URL holds something else
 */
export function bounds({ since, until }, now) {
  const [from, to] = [when(since, now, true), when(until, now, true)];
  return from && to && { since: from.ms, until: to.ms };
}

/**
 * @param {number} ms since the epoch
 * @param {boolean} utc
 * @param {string} besides `2026-11-23`: a day that need not be said
 * @returns {string} `10:30`, `23 Nov 10:30:05`
 */
export function shortStamp(ms, utc, besides) {
  const { day, clock } = stamp(ms, utc);
  const time = clock.replace(/\.000$/, "").replace(/^(\d\d:\d\d):00$/, "$1");
  if (day === besides) return time;
  const [year, month, date] = day.split("-").map(Number);
  const name = new Date(2000, month - 1, 1).toLocaleString("en", { month: "short" });
  return `${date} ${name}${String(year) === besides.slice(0, 4) ? "" : ` ${year}`} ${time}`;
}

/**
 * @param {Range} range
 * @param {boolean} utc
 * @param {number} now ms since the epoch
 * @returns {{long: string, short: string}} for wide and narrow screens
 */
export function rangeWords(range, utc, now) {
  if (!range.since) return { long: "Live", short: "Live" };
  const preset = range.until ? undefined : PRESETS.find(({ since }) => since === range.since);
  if (preset) return { long: preset.words, short: preset.short };
  const edges = bounds(range, now);
  if (!edges) return { long: "Range", short: "Range" };
  const today = stamp(now, utc).day;
  const from = shortStamp(edges.since, utc, today);
  if (!range.until) return { long: range.since.startsWith("-") ? `Last ${range.since.slice(1)}` : `Since ${from}`, short: from };
  const to = shortStamp(edges.until, utc, stamp(edges.since, utc).day);
  return { long: `${from} – ${to}`, short: from };
}
