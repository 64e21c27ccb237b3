/**
 * The lines that the page holds: bounded, ordered, in blocks, so that adding at the end, putting a late line at its
 * place, dropping from the front and finding the line at a height are all cheap with 100,000 lines.
 *
 * Heights count lines of the screen (1 without wrapping). Whoever shows the store sets `onShift` to hear about
 * changes above: `onShift(at, by)`, `by` lines of the screen came (or went, negative) at height `at`.
 */

import { Block, characters } from "./block.js";
import { DROP_LINES, HELD_CHARS, HELD_LINES } from "./limits.js";
import { markRow } from "./rows.js";
import { plural } from "./words.js";

/** Rows of a block when it is full; late lines make it grow to twice that, then it is split. */
const BLOCK_ROWS = 512;

/** @typedef {import("./types.js").Row} Row */
/** @typedef {{block: number, row: number, at: number}} Place `at`: height at which the row begins */

export class Store {
  /** @type {Block[]} */
  #blocks = [];
  /** The block that holds a file's last row: a late line never passes it. @type {Map<string, Block>} */
  #last = new Map();
  #chars = 0;
  /** Stands first once older rows were dropped; not counted as held. */
  #marker = markRow("");
  /** Rows held. */
  count = 0;
  /** Lines of the screen, all rows together. */
  height = 0;
  /** Lines dropped from the front since the last `clear`. */
  dropped = 0;
  /** Rows added since the last `clear`. */
  added = 0;
  /** The latest time of any row, ms. */
  newest = -Infinity;
  /** @type {(at: number, by: number) => void} */
  onShift = () => {};
  /** The height of a row that was not drawn yet. @type {(row: Row) => number} */
  guess = () => 1;

  clear() {
    this.#blocks = [];
    this.#last.clear();
    this.#chars = this.count = this.height = this.dropped = this.added = 0;
    this.newest = -Infinity;
  }

  /** @param {Row} row goes to the end */
  append(row) {
    let block = this.#blocks.at(-1);
    if (!block || block.rows.length >= BLOCK_ROWS) this.#blocks.push((block = new Block()));
    block.rows.push(row);
    this.#note(block, row);
    this.#trim();
  }

  /** @param {Row} row goes behind the last row that is not later, and never before one of its own file */
  insert(row) {
    for (let b = this.#blocks.length - 1; b >= 0; b -= 1) {
      const block = this.#blocks[b];
      if (block.earliest > row.time && this.#last.get(row.file) !== block) continue;
      for (let i = block.rows.length - 1; i >= 0; i -= 1) {
        const before = block.rows[i];
        if (before.time <= row.time || before.file === row.file) return this.#put(b, i + 1, row);
      }
    }
    return this.#blocks.length ? this.#put(0, 0, row) : this.append(row);
  }

  /**
   * @param {number} b
   * @param {number} i
   * @param {Row} row
   */
  #put(b, i, row) {
    const block = this.#blocks[b];
    const atEnd = b === this.#blocks.length - 1 && i === block.rows.length;
    if (atEnd) return this.append(row);
    const at = this.#heightAt(b, i);
    block.rows.splice(i, 0, row);
    this.#note(block, row);
    if (block.rows.length >= 2 * BLOCK_ROWS) this.#split(b);
    this.onShift(at, row.height);
    return this.#trim();
  }

  /**
   * @param {Block} block
   * @param {Row} row
   */
  #note(block, row) {
    row.height = this.guess(row);
    block.count(row);
    if (row.file) this.#last.set(row.file, block);
    this.count += 1;
    this.added += 1;
    this.height += row.height;
    this.#chars += characters(row);
    if (row.time > this.newest) this.newest = row.time;
  }

  /**
   * @param {Row} row
   * @param {Row[]} rows go in front of it; they are not new, so `added` does not count them
   * @returns {boolean} false: the row is no longer held
   */
  putBefore(row, rows) {
    const place = this.placeOf(row);
    if (!place) return false;
    const block = this.#blocks[place.block];
    block.rows.splice(place.row, 0, ...rows);
    const { height, chars } = block;
    for (const each of rows) {
      each.height = this.guess(each);
      if (!this.#last.has(each.file)) this.#last.set(each.file, block);
    }
    block.recount();
    this.count += rows.length;
    this.height += block.height - height;
    this.#chars += block.chars - chars;
    for (let b = place.block; this.#blocks[b].rows.length >= 2 * BLOCK_ROWS; b += 1) this.#split(b);
    this.onShift(place.at, block.height - height);
    this.#trim();
    return true;
  }

  /** @param {Row} row a mark that is over */
  remove(row) {
    const place = this.placeOf(row);
    if (!place) return;
    const block = this.#blocks[place.block];
    block.rows.splice(place.row, 1);
    block.recount();
    if (!block.rows.length) this.#blocks.splice(place.block, 1);
    this.count -= 1;
    this.height -= row.height;
    this.#chars -= characters(row);
    this.onShift(place.at, -row.height);
  }

  /** @param {number} b */
  #split(b) {
    const first = this.#blocks[b];
    const second = new Block();
    second.rows = first.rows.splice(BLOCK_ROWS);
    first.recount();
    second.recount();
    this.#blocks.splice(b + 1, 0, second);
    for (const { file } of second.rows) if (this.#last.get(file) === first) this.#last.set(file, second);
  }

  #trim() {
    const full = this.count > HELD_LINES + DROP_LINES || this.#chars > HELD_CHARS;
    if (!full) return;
    while (this.#blocks.length > 1 && (this.count > HELD_LINES || this.#chars > HELD_CHARS * 0.9)) {
      const block = /** @type {Block} */ (this.#blocks.shift());
      this.onShift(0, -block.height);
      this.height -= block.height;
      this.#chars -= block.chars;
      if (block.rows[0] === this.#marker) block.rows.shift();
      this.dropped += block.rows.length;
      this.count -= block.rows.length;
      for (const [file, last] of this.#last) if (last === block) this.#last.delete(file);
    }
    this.#mark();
  }

  /** Say first what is no longer held. */
  #mark() {
    const first = this.#blocks[0];
    if (!first || !this.dropped || first.rows[0] === this.#marker) return;
    this.#marker.text = `${plural(this.dropped, "older line")} dropped: the page holds ${plural(HELD_LINES, "line")} at most`;
    this.#marker.version += 1;
    this.#marker.height = 1;
    first.rows.unshift(this.#marker);
    const { height, chars } = first;
    first.recount();
    this.height += first.height - height;
    this.#chars += first.chars - chars;
    this.onShift(0, 1);
  }

  /** @param {(row: Row) => boolean} keep */
  filter(keep) {
    const { dropped, newest, added } = this;
    const rows = [...this].filter((row) => row !== this.#marker);
    this.clear();
    for (const row of rows) {
      if (keep(row)) this.append(row);
      else this.onShift(this.height, -row.height);
    }
    Object.assign(this, { dropped, newest, added });
    this.#mark();
  }

  /** Guess all heights anew. */
  measure() {
    this.height = 0;
    for (const block of this.#blocks) {
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
    const block = this.#blocks[place.block];
    const row = block.rows[place.row];
    const by = height - row.height;
    row.height = height;
    block.height += by;
    this.height += by;
  }

  /**
   * @param {number} b
   * @param {number} i
   */
  #heightAt(b, i) {
    let at = 0;
    for (let k = 0; k < b; k += 1) at += this.#blocks[k].height;
    const { rows, height } = this.#blocks[b];
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
    for (let b = 0; b < this.#blocks.length; b += 1) {
      const block = this.#blocks[b];
      if (at + block.height <= height && b < this.#blocks.length - 1) {
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
    return this.#blocks[place.block].rows[place.row];
  }

  /**
   * @param {Place} place
   * @returns {Place|null} of the next row
   */
  after(place) {
    const at = place.at + this.at(place).height;
    if (place.row + 1 < this.#blocks[place.block].rows.length) return { block: place.block, row: place.row + 1, at };
    return place.block + 1 < this.#blocks.length ? { block: place.block + 1, row: 0, at } : null;
  }

  /**
   * @param {Place} place
   * @returns {Place|null} of the row before
   */
  before(place) {
    const block = place.row ? place.block : place.block - 1;
    if (block < 0) return null;
    const row = place.row ? place.row - 1 : this.#blocks[block].rows.length - 1;
    return { block, row, at: place.at - this.#blocks[block].rows[row].height };
  }

  /**
   * @param {Row} row
   * @returns {Place|null} null: it is not held
   */
  placeOf(row) {
    for (let b = 0; b < this.#blocks.length; b += 1) {
      const i = this.#blocks[b].rows.indexOf(row);
      if (i >= 0) return { block: b, row: i, at: this.#heightAt(b, i) };
    }
    return null;
  }

  /** @returns {Generator<Row>} all rows in order */
  *[Symbol.iterator]() {
    for (const block of this.#blocks) yield* block.rows;
  }
}
