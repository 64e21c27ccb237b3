/** Times as people type them, without a calendar: `-15m`, `10:30`, `yesterday 9pm`, `23 Nov 10:30`, RFC 3339, seconds. */

/**
 * @typedef {object} Moment
 * @property {string} text as the server takes it: RFC 3339, `-15m`, or empty for now
 * @property {number} ms since the epoch
 */

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const DAY_MS = 86_400_000;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const RELATIVE = /^[-−]?\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|w)(?:ecs?|econds?|ins?|inutes?|rs?|ours?|ays?|eeks?)?(?:\s+ago)?$/;
const EPOCH = /^(\d{10})(?:\.\d+)?$|^(\d{13})$/;
const ZONE = /\s*(z|utc|gmt|[+-]\d{2}:?\d{2})$/;
const CLOCK = /(?:^|[\st:,])(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(am|pm)?$/;

/**
 * @param {string} text
 * @param {number} now ms since the epoch
 * @param {boolean} utc the zone of what names none; else the browser's
 * @param {boolean} [end] a day alone means its end, not its beginning
 * @returns {Moment|null} null: it can't be read
 */
export function when(text, now, utc, end = false) {
  const typed = text.trim().toLowerCase();
  if (!typed || typed === "now") return { text: "", ms: now };
  const back = RELATIVE.exec(typed);
  if (back) return ago(Number(back[1]) * SECONDS[/** @type {keyof typeof SECONDS} */ (back[2])], now);
  const epoch = EPOCH.exec(typed);
  const ms = epoch ? Number(epoch[2] ?? Number(typed) * 1000) : written(typed, now, utc, end);
  return ms === null || !(Math.abs(ms) < 8e15) ? null : { text: new Date(ms).toISOString(), ms };
}

/**
 * @param {number} seconds
 * @param {number} now
 * @returns {Moment}
 */
function ago(seconds, now) {
  const whole = Math.round(seconds);
  const unit = /** @type {const} */ (["h", "m", "s"]).find((each) => whole % SECONDS[each] === 0) ?? "s";
  return { text: `-${whole / SECONDS[unit]}${unit}`, ms: now - whole * 1000 };
}

/**
 * @param {string} typed a day, a clock, or both; in any zone
 * @param {number} now
 * @param {boolean} utc
 * @param {boolean} end
 * @returns {number|null} ms since the epoch
 */
function written(typed, now, utc, end) {
  const clock = timeOf(typed.replace(ZONE, "")) ?? null;
  const zone = clock && ZONE.exec(typed)?.[1];
  const rest = clock ? typed.replace(ZONE, "").slice(0, -clock.length).replace(/[\st:,]+$/, "") : typed;
  const shift = zone ? offset(zone) : utc ? 0 : null;
  const today = calendar(now, shift);
  const day = rest ? dayOf(rest, today) : today;
  if (!day) return null;
  const ms = moment({ ...day, day: day.day + (!clock && end ? 1 : 0) }, clock?.ms ?? 0, shift);
  return !rest && ms > now ? moment({ ...day, day: day.day - 1 }, clock?.ms ?? 0, shift) : ms;
}

/**
 * @param {string} text
 * @returns {{ms: number, length: number}|null} of the clock at its end: since midnight, and characters
 */
function timeOf(text) {
  const found = CLOCK.exec(text);
  if (!found || (found[2] === undefined && !found[5])) return null;
  const [whole, h, m = "0", s = "0", fraction = "0", half] = found;
  const hours = half ? (Number(h) % 12) + (half === "pm" ? 12 : 0) : Number(h);
  if (hours > 24 || Number(m) > 59 || Number(s) > 60) return null;
  const ms = Math.floor(Number(`0.${fraction}`) * 1000);
  return { ms: (hours * 3600 + Number(m) * 60 + Number(s)) * 1000 + ms, length: whole.trimStart().replace(/^[t:,]/, "").length };
}

/** @typedef {{year: number, month: number, day: number}} Day month from 0 */

/**
 * @param {string} text
 * @param {Day} today
 * @returns {Day|null}
 */
function dayOf(text, today) {
  if (text === "today") return today;
  if (text === "yesterday") return { ...today, day: today.day - 1 };
  const weekday = text.length >= 3 ? DAYS.findIndex((name) => text.startsWith(name)) : -1;
  if (weekday >= 0 && /^[a-z]+$/.test(text)) return { ...today, day: today.day - ((weekdayOf(today) - weekday + 7) % 7) };
  const iso = /^(?:(\d{4})[-/])?(\d{1,2})[-/](\d{1,2})$/.exec(text);
  if (iso) return dated(iso[1], Number(iso[2]) - 1, iso[3], today);
  const dotted = /^(\d{1,2})\.\s*(\d{1,2})\.(?:\s*(\d{4}))?$/.exec(text);
  if (dotted) return dated(dotted[3], Number(dotted[2]) - 1, dotted[1], today);
  const named = /^(\d{1,2})[\s/.-]*([a-z]{3,9})[\s/.,-]*(\d{4})?$/.exec(text);
  if (named) return dated(named[3], monthOf(named[2]), named[1], today);
  const english = /^([a-z]{3,9})\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?$/.exec(text);
  return english && dated(english[3], monthOf(english[1]), english[2], today);
}

/** @param {string} name of a month, or its beginning */
function monthOf(name) {
  return MONTHS.findIndex((month) => name.startsWith(month));
}

/**
 * @param {string|undefined} year absent: the last one in which it is not in the future
 * @param {number} month from 0
 * @param {string} day
 * @param {Day} today
 * @returns {Day|null}
 */
function dated(year, month, day, today) {
  const number = Number(day);
  if (month < 0 || month > 11 || number < 1 || number > 31) return null;
  const later = month > today.month || (month === today.month && number > today.day);
  return { year: year ? Number(year) : today.year - (later ? 1 : 0), month, day: number };
}

/** @param {Day} day */
function weekdayOf({ year, month, day }) {
  return new Date(Date.UTC(year, month, day)).getUTCDay();
}

/** @param {string} zone `z`, `utc`, `+01:00` @returns {number} ms ahead of UTC */
function offset(zone) {
  const found = /([+-])(\d{2}):?(\d{2})/.exec(zone);
  return found ? (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) * 60_000 : 0;
}

/**
 * @param {number} ms since the epoch
 * @param {number|null} shift ms ahead of UTC; null: the browser's zone
 * @returns {Day}
 */
function calendar(ms, shift) {
  const date = new Date(ms + (shift ?? 0));
  if (shift === null) return { year: date.getFullYear(), month: date.getMonth(), day: date.getDate() };
  return { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate() };
}

/**
 * @param {Day} day
 * @param {number} clock ms since midnight
 * @param {number|null} shift ms ahead of UTC; null: the browser's zone, whose clocks may be put forward that day
 * @returns {number} ms since the epoch
 */
function moment({ year, month, day }, clock, shift) {
  if (shift !== null) return Date.UTC(year, month, day) + clock - shift;
  const [days, rest] = [Math.floor(clock / DAY_MS), clock % DAY_MS];
  return new Date(year, month, day + days, Math.floor(rest / 3_600_000), Math.floor(rest / 60_000) % 60, 0, rest % 60_000).getTime();
}
