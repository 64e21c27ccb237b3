/** Where the reader is: the row at the upper edge, so that the place is found again after rows came or went. */

/** @typedef {{row: import("./types.js").Row, into: number}} Anchor `into`: height of it that is above the edge */

/**
 * @param {import("./blocks.js").Blocks} store
 * @param {number} top height at the upper edge
 * @returns {Anchor|null} null: there is no row
 */
export function anchor(store, top) {
  const place = store.locate(top);
  return place && { row: store.at(place), into: top - place.at };
}

/**
 * @param {import("./blocks.js").Blocks} store
 * @param {Anchor|null} anchor
 * @returns {number|null} height of the upper edge now; null: the row is gone, and its line too
 */
export function regained(store, anchor) {
  if (!anchor) return null;
  const { row, into } = anchor;
  const same = row.kind === "line" ? store.lineAt(row.record.position) : row;
  const place = store.placeOf(row) ?? (same && store.placeOf(same));
  return place && place.at + Math.min(into, store.at(place).height);
}
