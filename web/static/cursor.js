/** The row that the keyboard has selected, if any. */

/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./blocks.js").Place} Place */

export class Cursor {
  /** @type {Row|null} */
  row = null;

  /** @returns {boolean} whether there was one */
  clear() {
    const was = this.row !== null;
    this.row = null;
    return was;
  }

  /**
   * The row beside the selected one; where that is not in sight, the first or the last row that is.
   *
   * @param {import("./store.js").Store} store
   * @param {1|-1} by down or up
   * @param {number} top height at the upper edge
   * @param {number} sight height that is in sight
   * @returns {Place|null} null: there is none, and nothing is selected
   */
  step(store, by, top, sight) {
    const old = this.row && store.placeOf(this.row);
    const seen = old && old.at + store.at(old).height > top && old.at < top + sight;
    const place = seen ? beside(store, old, by) : store.locate(by > 0 ? Math.ceil(top) : Math.floor(top + sight - 1));
    this.row = place && store.at(place);
    return place;
  }
}

/**
 * @param {import("./store.js").Store} store
 * @param {Place} place
 * @param {1|-1} by
 * @returns {Place|null} the first row has itself above
 */
function beside(store, place, by) {
  return by > 0 ? store.after(place) : (store.before(place) ?? place);
}
