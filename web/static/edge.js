/** An end of what is held of the past, from which it can be read on: by a cursor, or by the time of its last line. */

import { NEAR_LINES, PAST_LINES } from "./limits.js";

/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./blocks.js").Blocks} Blocks */
/** @typedef {"up"|"down"} Way */

/**
 * @typedef {object} Edge
 * @property {boolean} open there may be more
 * @property {boolean} halted not to be read on without being asked: it failed, or was stopped
 * @property {string} from time at which it begins, where there is no cursor
 * @property {string|null} cursor
 * @property {Set<string>} held positions that come again at the seam
 * @property {boolean} late lines that belong among those that are held come first with the next page
 */

/** @param {number} ms since the epoch */
export const iso = (ms) => new Date(ms).toISOString();

/** @returns {Edge} */
export function shut() {
  return { open: false, halted: false, from: "", cursor: null, held: new Set(), late: false };
}

/** @param {string} from @returns {Edge} */
export function edge(from) {
  return { ...shut(), open: true, from };
}

/**
 * @param {Blocks} store
 * @param {Way} way
 * @param {string} [otherwise] time to begin at where nothing is held
 * @returns {Edge} that goes on from what is held
 */
export function seam(store, way, otherwise = "") {
  const rows = way === "up" ? nearby(store, store.first) : [...store].slice(-NEAR_LINES);
  const lines = rows.filter(({ kind }) => kind === "line");
  const last = way === "up" ? lines[0] : lines.at(-1);
  // The end of a range is not in it: what has the same millisecond comes again.
  const from = last ? iso(way === "up" ? last.time + 1 : last.time) : otherwise;
  return { ...edge(from), held: positions(rows) };
}

/**
 * @param {import("./types.js").View} view
 * @param {Way} way
 * @param {Edge} edge
 * @param {number} maxScan bytes that each host may read; 0: what the server allows unasked
 * @returns {Parameters<typeof import("./history.js").lines>[0]} what reads on there
 */
export function asked(view, way, { from, cursor }, maxScan) {
  const { since, until, at } = view;
  const range = way === "up" ? { since: at ? "" : since, until: from } : { since: from, until: at ? "" : until };
  return { view, ...range, cursor, direction: way === "up" ? "backward" : "forward", limit: PAST_LINES, maxScan };
}

/**
 * @param {Blocks} store
 * @param {Row|null} row
 * @returns {Row[]} it and some that follow
 */
export function nearby(store, row) {
  const rows = [];
  let place = row && store.placeOf(row);
  while (place && rows.length < NEAR_LINES) {
    rows.push(store.at(place));
    place = store.after(place);
  }
  return rows;
}

/** @param {Row[]} rows @returns {Set<string>} */
export function positions(rows) {
  return new Set(rows.flatMap((row) => (row.kind === "line" ? [row.record.position] : [])));
}
