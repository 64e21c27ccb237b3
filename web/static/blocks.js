/**
 * Rows in blocks, found by their height: the line at a height, the place of a row, and its neighbours.
 *
 * Heights count lines of the screen (1 without wrapping).
 */

/** @typedef {import("./types.js").Row} Row */
/** @typedef {{block: number, row: number, at: number}} Place `at`: height at which the row begins */

export class Blocks {
  /** @type {import("./block.js").Block[]} */
  blocks = [];
  /** Lines of the screen, all rows together. */
  height = 0;
  /** The height of a row that was not drawn yet. @type {(row: Row) => number} */
  guess = () => 1;

  /** @returns {Row|null} */
  get first() {
    return this.blocks[0]?.rows[0] ?? null;
  }

  /** @returns {Row|null} */
  get last() {
    return this.blocks.at(-1)?.rows.at(-1) ?? null;
  }

  /**
   * @param {number} b
   * @param {number} i
   * @returns {number} height at which the row begins
   */
  heightAt(b, i) {
    let at = 0;
    for (let k = 0; k < b; k += 1) at += this.blocks[k].height;
    const { rows, height } = this.blocks[b];
    if (i === rows.length) return at + height;
    for (let k = 0; k < i; k += 1) at += rows[k].height;
    return at;
  }

  /**
   * @param {number} height
   * @returns {Place|null} of the row at that height (the nearest one); null: nothing is held
   */
  locate(height) {
    let at = 0;
    for (let b = 0; b < this.blocks.length; b += 1) {
      const block = this.blocks[b];
      if (at + block.height <= height && b < this.blocks.length - 1) {
        at += block.height;
        continue;
      }
      for (let i = 0; i < block.rows.length; i += 1) {
        const row = block.rows[i];
        if (at + row.height > height || i === block.rows.length - 1) return { block: b, row: i, at };
        at += row.height;
      }
    }
    return null;
  }

  /**
   * @param {Place} place
   * @returns {Row}
   */
  at(place) {
    return this.blocks[place.block].rows[place.row];
  }

  /**
   * @param {Place} place
   * @returns {Place|null} of the next row
   */
  after(place) {
    const at = place.at + this.at(place).height;
    if (place.row + 1 < this.blocks[place.block].rows.length) return { block: place.block, row: place.row + 1, at };
    return place.block + 1 < this.blocks.length ? { block: place.block + 1, row: 0, at } : null;
  }

  /**
   * @param {Place} place
   * @returns {Place|null} of the row before
   */
  before(place) {
    const block = place.row ? place.block : place.block - 1;
    if (block < 0) return null;
    const row = place.row ? place.row - 1 : this.blocks[block].rows.length - 1;
    return { block, row, at: place.at - this.blocks[block].rows[row].height };
  }

  /**
   * @param {Row} row
   * @returns {Place|null} null: it is not held
   */
  placeOf(row) {
    for (let b = 0; b < this.blocks.length; b += 1) {
      const i = this.blocks[b].rows.indexOf(row);
      if (i >= 0) return { block: b, row: i, at: this.heightAt(b, i) };
    }
    return null;
  }

  /**
   * @param {string} position of a line
   * @returns {Row|null} null: it is not held
   */
  lineAt(position) {
    for (const row of this) if (row.kind === "line" && row.record.position === position) return row;
    return null;
  }

  /** Guess all heights anew. */
  measure() {
    this.height = 0;
    for (const block of this.blocks) {
      for (const row of block.rows) row.height = this.guess(row);
      block.recount();
      this.height += block.height;
    }
  }

  /**
   * @param {Place} place
   * @param {number} height that its row turned out to have
   */
  correct(place, height) {
    const block = this.blocks[place.block];
    const row = block.rows[place.row];
    const by = height - row.height;
    row.height = height;
    block.height += by;
    this.height += by;
  }

  /** @returns {Generator<Row>} all rows in order */
  *[Symbol.iterator]() {
    for (const block of this.blocks) yield* block.rows;
  }
}
