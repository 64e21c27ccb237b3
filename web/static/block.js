/** A part of the store's rows, with what is worth knowing about all of them. */

/** @typedef {import("./types.js").Row} Row */

export class Block {
  /** @type {Row[]} */
  rows = [];
  height = 0;
  chars = 0;
  /** The earliest time in it: a late line that is older passes the whole block at once. */
  earliest = Infinity;

  /** @param {Row} row */
  count(row) {
    this.height += row.height;
    this.chars += characters(row);
    if (row.time < this.earliest) this.earliest = row.time;
  }

  recount() {
    this.height = 0;
    this.chars = 0;
    this.earliest = Infinity;
    for (const row of this.rows) this.count(row);
  }
}

/**
 * @param {Row} row
 * @returns {number}
 */
export function characters(row) {
  return row.kind === "line" ? row.record.text.length : row.text.length;
}
