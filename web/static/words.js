/** Numbers, times and gaps in words, for people. */

const WHOLE = new Intl.NumberFormat("en");
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/**
 * @param {number} n
 * @returns {string} 1,204
 */
export function count(n) {
  return WHOLE.format(n);
}

/**
 * @param {number} n
 * @param {string} noun in the singular
 * @returns {string} `1 line`, `1,204 lines`
 */
export function plural(n, noun) {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/**
 * @param {number} bytes
 * @returns {string} `176 KiB`
 */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/**
 * @param {number} n
 * @param {number} digits
 */
function pad(n, digits) {
  return String(n).padStart(digits, "0");
}

/**
 * @param {number} ms since the epoch
 * @param {boolean} utc
 * @returns {{day: string, clock: string}} `2026-11-23` and `10:00:00.123`
 */
export function stamp(ms, utc) {
  // Local time is UTC of a shifted clock, which spares a second way of writing it.
  const date = new Date(utc ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
  const day = `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
  const clock = `${pad(date.getUTCHours(), 2)}:${pad(date.getUTCMinutes(), 2)}:${pad(date.getUTCSeconds(), 2)}`;
  return { day, clock: `${clock}.${pad(date.getUTCMilliseconds(), 3)}` };
}

/**
 * @param {number} ms since the epoch
 * @returns {string} both clocks, whole; one where they are the same
 */
export function fullStamp(ms) {
  const utc = stamp(ms, true);
  const local = stamp(ms, false);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const first = `${utc.day} ${utc.clock} UTC`;
  return zone === "UTC" ? first : `${first}\n${local.day} ${local.clock} ${zone}`;
}

/** @type {Record<string, string>} */
const GAP_REASONS = {
  "slow-viewer": "missing here: this view could not take them fast enough",
  "rotated-away": "gone: the log was rotated away before they could be read",
  truncated: "gone: the file was truncated",
  // The page's own: it could not name its place in every file.
  away: "perhaps missing here: the view was away, and the backlog does not reach back to where it was",
};

/**
 * @param {import("./types.js").GapRecord} gap
 * @returns {string} a sentence
 */
export function gapSentence(gap) {
  const lines = gap.lines === null || gap.lines === undefined ? "An unknown number of lines" : plural(gap.lines, "line");
  const bytes = gap.bytes ? ` (${size(gap.bytes)})` : "";
  const reason = GAP_REASONS[gap.reason] ?? `missing (${gap.reason})`;
  return `${lines}${bytes} of ${gap.path} ${gap.lines === 1 ? "is" : "are"} ${reason}`;
}

/** @type {Record<string, string>} */
const END_REASONS = {
  complete: "The server has sent everything that was asked for",
  "slow-viewer": "This view was too slow for the server",
  revoked: "Access was withdrawn: ask for it, then reload the page",
  shutdown: "The server is stopping",
  "audit-unavailable": "The server can't write its audit log, so it sends no lines: its log says why",
};

/**
 * @param {string} reason of an `end` record
 * @returns {string} a sentence without its full stop
 */
export function endSentence(reason) {
  return END_REASONS[reason] ?? `The server ended the view (${reason})`;
}

/**
 * @param {number} wait ms
 * @returns {string} when the connection is tried again
 */
export function attempt(wait) {
  return `next attempt in ${wait < 1000 ? "a moment" : `${Math.round(wait / 1000)} s`}`;
}
