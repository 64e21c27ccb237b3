/** The files of a live view, and since when it is whole: each backlog begins elsewhere, so its oldest lines are not all of their time. */

import { BACKLOG_LINES, BACKLOG_MAX, BACKLOG_MIN } from "./limits.js";
import { fileKey } from "./rows.js";

/** @typedef {import("./types.js").Row} Row */

/**
 * @param {Iterable<Row>} rows of the live view
 * @param {Iterable<string>} files that lines may come from
 * @param {number} opened ms; from then on every line came
 * @returns {{time: number, row: Row|null}} ms since the epoch, and the first row of that time; null: there is none
 */
export function horizon(rows, files, opened) {
  /** @type {Map<string, number>} */
  const first = new Map();
  for (const row of rows) {
    if (row.kind === "line" && row.record.stamped !== false && !first.has(row.file)) first.set(row.file, row.time);
  }
  let time = -Infinity;
  for (const file of files) time = Math.max(time, first.get(file) ?? opened);
  if (time === -Infinity) time = opened;
  for (const row of rows) if (row.kind === "line" && row.time >= time) return { time, row };
  return { time, row: null };
}

/**
 * @param {import("./types.js").SourceInfo[]} sources
 * @param {string[]} asked names; empty: all
 * @param {Set<string>} on hosts
 * @returns {(import("./types.js").FileInfo & {source: string})[]}
 */
function filesOf(sources, asked, on) {
  return sources
    .filter(({ name }) => !asked.length || asked.includes(name))
    .flatMap(({ name: source, files }) => files.filter(({ host }) => on.has(host)).map((file) => ({ ...file, source })));
}

/**
 * @param {import("./types.js").SourceInfo[]} sources
 * @param {string[]} asked names; empty: all
 * @param {Set<string>} on hosts
 * @returns {string[]} keys of the files that are followed
 */
export function followed(sources, asked, on) {
  return filesOf(sources, asked, on).filter(({ state }) => state === "live").map(fileKey);
}

/**
 * @param {import("./types.js").SourceInfo[]} sources
 * @param {string[]} asked names; empty: all
 * @param {Set<string>} on hosts
 * @returns {number} lines of backlog for each file: many for few files, few for many
 */
export function backlog(sources, asked, on) {
  const files = filesOf(sources, asked, on).length;
  return Math.round(Math.min(BACKLOG_MAX, Math.max(BACKLOG_MIN, BACKLOG_LINES / Math.max(1, files))));
}
