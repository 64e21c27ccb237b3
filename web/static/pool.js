/** The elements of the rows in sight: those that stay are left alone (and with them a selection), others are reused. */

import { RowElement } from "./row.js";

/** Elements kept for later: more than any screen has rows. */
const SPARE_ELEMENTS = 300;

/** @typedef {import("./types.js").Row} Row */

export class Pool {
  /** @type {RowElement[]} */
  #shown = [];
  /** @type {RowElement[]} */
  #spare = [];
  #layer;

  /** @param {HTMLElement} layer that holds the rows */
  constructor(layer) {
    this.#layer = layer;
  }

  /**
   * @param {Row[]} rows to show, in this order
   * @param {import("./row.js").Display} display
   * @param {Row|null} selected
   */
  show(rows, display, selected) {
    const wanted = new Set(rows);
    /** @type {Map<Row, RowElement>} */
    const kept = new Map();
    for (const shown of this.#shown) {
      if (shown.row && wanted.has(shown.row)) kept.set(shown.row, shown);
      else this.#retire(shown);
    }
    let next = this.#layer.firstChild;
    this.#shown = rows.map((row) => {
      const shown = kept.get(row) ?? this.#spare.pop() ?? new RowElement();
      if (shown.row !== row || shown.version !== row.version) shown.fill(row, display);
      shown.select(row === selected);
      if (shown.element === next) next = next.nextSibling;
      else this.#layer.insertBefore(shown.element, next);
      return shown;
    });
  }

  /** @param {RowElement} shown */
  #retire(shown) {
    shown.element.remove();
    shown.row = null;
    if (this.#spare.length < SPARE_ELEMENTS) this.#spare.push(shown);
  }

  /** Fill all rows anew with the next `show`. */
  stale() {
    for (const shown of this.#shown) shown.version = -1;
  }

  /** Whether any row shows its day. */
  get dated() {
    return this.#shown.some((shown) => shown.dated);
  }

  /** @returns {number[]} CSS px, in the order shown */
  heights() {
    return this.#shown.map(({ element }) => element.offsetHeight);
  }

  /**
   * @param {Node} node
   * @returns {Row|null} whose element it is in
   */
  rowAt(node) {
    return this.rows((element) => element.contains(node))[0] ?? null;
  }

  /**
   * @param {(element: HTMLElement) => boolean} test
   * @returns {Row[]} shown by elements that pass
   */
  rows(test) {
    return this.#shown.flatMap(({ element, row }) => (row && test(element) ? [row] : []));
  }
}
