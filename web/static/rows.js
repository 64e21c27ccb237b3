/** Records of the stream as rows of the list. */

import { endSentence, gapSentence } from "./words.js";

/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./types.js").MarkRow} MarkRow */
/** @typedef {import("./types.js").LineRow} LineRow */
/** @typedef {import("./types.js").NoticeRecord} NoticeRecord */

/** Gaps whose lines are still in the log. */
const LOADABLE = new Set(["slow-viewer", "away"]);

/** One string for each file, however many rows name it. @type {Map<string, string>} */
const files = new Map();

/**
 * @param {{host: string, source?: string, path?: string}} record
 * @returns {string} the file's key
 */
export function fileKey(record) {
  const key = `${record.host} ${record.source} ${record.path}`;
  const known = files.get(key);
  if (known !== undefined) return known;
  files.set(key, key);
  return key;
}

/**
 * @param {Row} row
 * @returns {string} empty: of no host
 */
export function hostOf(row) {
  return row.kind === "line" ? row.record.host : row.host;
}

/**
 * @param {import("./types.js").LineRecord} record
 * @returns {LineRow}
 */
export function lineRow(record) {
  const time = Date.parse(record.time);
  return {
    kind: "line",
    time: Number.isNaN(time) ? -Infinity : time,
    file: fileKey(record),
    height: 1,
    version: 0,
    behind: 0,
    record,
  };
}

/**
 * @param {string} text
 * @param {import("./types.js").Tone} [tone]
 * @param {string} [host]
 * @returns {MarkRow}
 */
export function markRow(text, tone = "plain", host = "") {
  return { kind: "mark", time: -Infinity, file: "", height: 1, version: 0, host, text, tone, gap: null, busy: false };
}

/**
 * @param {import("./types.js").GapRecord} gap
 * @returns {MarkRow}
 */
export function gapRow(gap) {
  const row = markRow(gapSentence(gap), "warn", gap.host);
  if (gap.from && gap.to && LOADABLE.has(gap.reason)) row.gap = gap;
  return row;
}

/**
 * @param {string} reason of an `end` record
 * @returns {MarkRow}
 */
export function endRow(reason) {
  return markRow(`${endSentence(reason)}.`, reason === "complete" ? "plain" : "warn");
}

/**
 * @param {Row|null} first
 * @param {boolean} range whether it is the range that begins
 * @returns {MarkRow} that there is nothing before the first row
 */
export function beginRow(first, range) {
  const row = markRow(range ? "The range begins here." : "The logs begin here: nothing older is on the hosts.");
  return { ...row, time: first?.time ?? row.time, ends: true };
}

/**
 * Which notices become rows: trouble, and the end of trouble. A host that is tried again and again keeps one row,
 * whose words change, instead of filling the list.
 */
export class Notices {
  /** The row of a trouble that is not over. @type {Map<string, MarkRow>} */
  #open = new Map();

  clear() {
    this.#open.clear();
  }

  /**
   * @param {NoticeRecord} notice
   * @returns {MarkRow|null} a new row; null: nothing new to show
   */
  take(notice) {
    const key = fileKey(notice);
    const open = this.#open.get(key);
    if (notice.state === "waiting" || notice.state === "failed") return this.#trouble(key, open, notice);
    if (notice.state !== "live") return null;
    this.#open.delete(key);
    return open ? markRow(`live again${subject(notice)}`, "good", notice.host) : null;
  }

  /**
   * @param {string} key
   * @param {MarkRow|undefined} open
   * @param {NoticeRecord} notice
   */
  #trouble(key, open, notice) {
    const text = `${notice.state}: ${notice.detail}${subject(notice)}`;
    const tone = notice.state === "failed" ? "bad" : "warn";
    if (!open) {
      const row = markRow(text, tone, notice.host);
      this.#open.set(key, row);
      return row;
    }
    Object.assign(open, { text, tone, version: open.version + 1 });
    return null;
  }
}

/**
 * @param {NoticeRecord} notice
 * @returns {string} the file it is about, if it is about one: last, for paths are long
 */
function subject(notice) {
  return notice.path ? ` (${notice.path})` : "";
}
