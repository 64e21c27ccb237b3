/** Counts over time as what is drawn and said of them. */

import { plural, stamp } from "./words.js";

/** @typedef {import("./types.js").Histogram} Histogram */

/**
 * @typedef {object} Bars
 * @property {number[]} starts seconds since the epoch, of each bucket
 * @property {number} end seconds, of the last one's end
 * @property {number[]} all lines of each bucket that were counted
 * @property {number[]} warnings those of level warning and above
 * @property {number[]} errors those of level error and above
 * @property {number[]|null} guess about how many lines each has; null: all were counted
 * @property {boolean} exact whether any were counted
 * @property {boolean} alike whether the guess is of the lines that are counted, rather than of all that there are
 */

const ERRORS = ["error", "critical"];

/**
 * @param {Histogram} histogram
 * @param {boolean} [alike] whether an estimate is of the lines that are counted: no filter holds
 * @returns {Bars|null} null: it has no bucket
 */
export function bars({ buckets, exact, until, guess }, alike = true) {
  if (!buckets.length) return null;
  const starts = buckets.map(({ start }) => Date.parse(start) / 1000);
  const width = starts.length > 1 ? starts[1] - starts[0] : 1;
  const last = /** @type {number} */ (starts.at(-1));
  const end = until ? Date.parse(until) / 1000 : last + width;
  const counts = buckets.map(({ count }) => count);
  if (!exact) return { starts, end, all: none(starts), warnings: none(starts), errors: none(starts), guess: counts, exact, alike };
  const errors = buckets.map((bucket) => sum(bucket, ERRORS));
  const warnings = buckets.map((bucket, i) => errors[i] + sum(bucket, ["warning"]));
  const all = counts.map((count, i) => Math.max(count, warnings[i]));
  const guessed = guess?.buckets.length === starts.length ? guess.buckets.map(({ count }) => count) : none(starts);
  return { starts, end, all, warnings, errors, guess: guess ? guessed : null, exact, alike };
}

/** @param {number[]} starts @returns {number[]} nothing in each bucket */
function none(starts) {
  return starts.map(() => 0);
}

/**
 * @param {Bars|null} some
 * @param {Bars|null} others
 * @returns {boolean} whether these are other counts of the same time
 */
export function match(some, others) {
  if (!some || !others) return false;
  return some.starts.length === others.starts.length && some.starts[0] === others.starts[0] && some.end === others.end && some.alike === others.alike;
}

/**
 * @param {import("./types.js").Bucket} bucket
 * @param {string[]} levels
 */
function sum({ by_level }, levels) {
  return levels.reduce((total, level) => total + (by_level?.[level] ?? 0), 0);
}

/**
 * @param {Bars} bars
 * @param {number} i of a bucket
 * @returns {{since: number, until: number}} ms since the epoch
 */
export function span({ starts, end }, i) {
  return { since: Math.round(starts[i] * 1000), until: Math.round((starts[i + 1] ?? end) * 1000) };
}

/**
 * @param {Bars} bars
 * @param {number} seconds since the epoch
 * @returns {number} the bucket that holds it, or the nearest
 */
export function bucketAt({ starts }, seconds) {
  const after = starts.findIndex((start) => start > seconds);
  return after < 0 ? starts.length - 1 : Math.max(0, after - 1);
}

/**
 * @param {Bars} bars
 * @param {number|null} i of a bucket; null: all
 * @returns {string} `1,204 lines, 3 errors, 14 warnings`; while they grow, `… so far`
 */
export function said({ all, warnings, errors, guess, exact, alike }, i) {
  const total = (/** @type {number[]} */ of) => (i === null ? of.reduce((sum, n) => sum + n, 0) : of[i]);
  if (guess && !exact) return `about ${plural(rounded(total(guess)), "line")}${alike ? "" : ", whatever they match"}`;
  const [lines, bad] = [total(all), total(errors)];
  const odd = total(warnings) - bad;
  const words = [plural(lines, "line"), bad && plural(bad, "error"), odd && plural(odd, "warning")].filter(Boolean).join(", ");
  return guess ? `${words} so far` : words;
}

/** @param {number} n @returns {number} with two digits that count */
function rounded(n) {
  return n < 100 ? n : Number(n.toPrecision(2));
}

/**
 * @param {Bars} bars
 * @param {number} i of a bucket
 * @param {boolean} utc
 * @returns {string} `10:15:00 – 10:16:00`
 */
export function spanWords(bars, i, utc) {
  const { since, until } = span(bars, i);
  const [from, to] = [stamp(since, utc), stamp(until, utc)];
  const whole = until - since >= 1000;
  const short = (/** @type {string} */ clock) => (whole ? clock.slice(0, -4) : clock);
  return `${from.day.slice(5)} ${short(from.clock)} – ${short(to.clock)}`;
}
