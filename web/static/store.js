/**
 * The lines that the page holds: bounded, ordered, in blocks, so that adding at either end, putting a late line at its
 * place, dropping from either end and finding the line at a height are all cheap with 100,000 lines.
 *
 * Whoever shows the store sets `onShift` to hear about changes above: `onShift(at, by)`, `by` lines of the screen
 * came (or went, negative) at height `at`; -1: before all.
 */

import { Block, characters } from "./block.js";
import { Blocks } from "./blocks.js";
import { DROP_LINES, HELD_CHARS, HELD_LINES } from "./limits.js";
import { markRow } from "./rows.js";
import { plural } from "./words.js";

/** Rows of a block when it is full; late lines make it grow to twice that, then it is split. */
const BLOCK_ROWS = 512;

/** @typedef {import("./types.js").Row} Row */
export class Store extends Blocks {
  /** The block that holds a file's last row: a late line never passes it. @type {Map<string, Block>} */
  #last = new Map();
  #chars = 0;
  /** Stands first once older rows were dropped; not counted as held. */
  #marker = markRow("");
  /** Rows held. */
  count = 0;
  /** Whether it reaches to the end of what there is; else newer lines were dropped, and what is appended is only counted. */
  attached = true;
  /** Whether the reader is among the oldest rows: what is too much then goes from the end, not from the front. */
  reading = false;
  /** Lines dropped from the front since the last `clear`. */
  dropped = 0;
  /** Rows added since the last `clear`. */
  added = 0;
  /** The latest time of any row, ms. */
  newest = -Infinity;
  /** @type {(at: number, by: number) => void} */
  onShift = () => {};

  clear() {
    this.blocks = [];
    this.#last.clear();
    this.#chars = this.count = this.height = this.dropped = this.added = 0;
    this.newest = -Infinity;
    this.attached = true;
  }

  /** @param {Row} row goes to the end, if that is held */
  append(row) {
    if (this.attached) this.#push(row);
    else this.added += 1;
  }

  /** @param {Row[]} rows go on after those that are held; what is too much goes from the front */
  extend(rows) {
    this.reading = false;
    for (const row of rows) this.#push(row);
    this.added -= rows.length;
  }

  /** @param {Row[]} rows go before all; they are not new. What is too much goes from the end */
  prepend(rows) {
    this.#unmark();
    this.reading = true;
    for (let end = rows.length; end > 0; end -= BLOCK_ROWS) this.#shift(rows.slice(Math.max(0, end - BLOCK_ROWS), end));
    this.#trim();
  }

  /** @param {Row[]} rows a block at most */
  #shift(rows) {
    const before = this.height;
    let block = this.blocks[0];
    if (!block || block.rows.length + rows.length > BLOCK_ROWS) this.blocks.unshift((block = new Block()));
    block.rows.unshift(...rows);
    for (const row of rows) {
      this.#take(block, row);
      if (row.file && !this.#last.has(row.file)) this.#last.set(row.file, block);
    }
    this.onShift(-1, this.height - before);
  }

  /** @param {Row} row those before it go */
  dropBefore(row) {
    const place = this.placeOf(row);
    if (!place) return;
    this.#unmark();
    for (let b = 0; b < place.block; b += 1) this.#dropBlock(0);
    const by = this.#edit(this.blocks[0], (rows) => (this.count -= rows.splice(0, rows.indexOf(row)).length));
    this.onShift(-1, by);
  }

  /** @param {Row} row */
  #push(row) {
    let block = this.blocks.at(-1);
    if (!block || block.rows.length >= BLOCK_ROWS) this.blocks.push((block = new Block()));
    block.rows.push(row);
    this.#note(block, row);
    this.#trim();
  }

  /** @param {Row} row goes behind the last row that is not later, and never before one of its own file */
  insert(row) {
    for (let b = this.blocks.length - 1; b >= 0; b -= 1) {
      const block = this.blocks[b];
      if (block.earliest > row.time && this.#last.get(row.file) !== block) continue;
      for (let i = block.rows.length - 1; i >= 0; i -= 1) {
        const before = block.rows[i];
        if (before.time <= row.time || before.file === row.file) return this.#put(b, i + 1, row);
      }
    }
    return this.blocks.length ? this.#put(0, 0, row) : this.append(row);
  }

  /**
   * @param {number} b
   * @param {number} i
   * @param {Row} row
   */
  #put(b, i, row) {
    const block = this.blocks[b];
    const atEnd = b === this.blocks.length - 1 && i === block.rows.length;
    if (atEnd) return this.append(row);
    const at = this.heightAt(b, i);
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
    this.#take(block, row);
    if (row.file) this.#last.set(row.file, block);
    this.added += 1;
  }

  /**
   * @param {Block} block that it was put into
   * @param {Row} row
   */
  #take(block, row) {
    row.height = this.guess(row);
    block.count(row);
    this.count += 1;
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
    const block = this.blocks[place.block];
    for (const each of rows) {
      each.height = this.guess(each);
      if (!this.#last.has(each.file)) this.#last.set(each.file, block);
    }
    const by = this.#edit(block, (held) => held.splice(place.row, 0, ...rows));
    this.count += rows.length;
    for (let b = place.block; this.blocks[b].rows.length >= 2 * BLOCK_ROWS; b += 1) this.#split(b);
    this.onShift(place.at, by);
    this.#trim();
    return true;
  }

  /** @param {Row} row a mark that is over */
  remove(row) {
    const place = this.placeOf(row);
    if (!place) return;
    const block = this.blocks[place.block];
    const by = this.#edit(block, (rows) => rows.splice(place.row, 1));
    if (!block.rows.length) this.blocks.splice(place.block, 1);
    this.count -= 1;
    this.onShift(place.at, by);
  }

  /**
   * @param {Block} block
   * @param {(rows: Row[]) => void} change
   * @returns {number} lines of the screen that came
   */
  #edit(block, change) {
    const { height, chars } = block;
    change(block.rows);
    block.recount();
    this.height += block.height - height;
    this.#chars += block.chars - chars;
    return block.height - height;
  }

  /** @param {number} b */
  #split(b) {
    const first = this.blocks[b];
    const second = new Block();
    second.rows = first.rows.splice(BLOCK_ROWS);
    first.recount();
    second.recount();
    this.blocks.splice(b + 1, 0, second);
    for (const { file } of second.rows) if (this.#last.get(file) === first) this.#last.set(file, second);
  }

  #trim() {
    if (this.count <= HELD_LINES + DROP_LINES && this.#chars <= HELD_CHARS) return;
    while (this.blocks.length > 1 && (this.count > HELD_LINES || this.#chars > HELD_CHARS * 0.9)) {
      if (this.reading) this.#dropEnd();
      else this.#dropFront();
    }
    this.#mark();
  }

  #dropEnd() {
    this.#dropBlock(this.blocks.length - 1);
    this.attached = false;
  }

  #dropFront() {
    this.#lift();
    this.dropped += this.blocks[0].rows.length;
    this.#dropBlock(0);
  }

  /** @param {number} b the first or the last */
  #dropBlock(b) {
    const [block] = this.blocks.splice(b, 1);
    if (b === 0) this.onShift(-1, -block.height);
    this.height -= block.height;
    this.#chars -= block.chars;
    this.count -= block.rows.length;
    for (const [file, last] of this.#last) if (last === block) this.#last.delete(file);
  }

  /** Say first what is no longer held. */
  #mark() {
    const first = this.blocks[0];
    if (!first || !this.dropped || first.rows[0] === this.#marker) return;
    this.#marker.text = `${plural(this.dropped, "older line")} dropped: the page holds ${plural(HELD_LINES, "line")} at most`;
    this.#marker.version += 1;
    this.#marker.height = 1;
    this.onShift(-1, this.#edit(first, (rows) => rows.unshift(this.#marker)));
  }

  /** What was dropped from the front comes again, or other rows are the first. */
  #unmark() {
    this.dropped = 0;
    this.#lift();
  }

  #lift() {
    const [first] = this.blocks;
    if (first?.rows[0] === this.#marker) this.onShift(-1, this.#edit(first, (rows) => rows.shift()));
  }

  /** @param {(row: Row) => boolean} keep */
  filter(keep) {
    const { dropped, newest, added, attached } = this;
    const rows = [...this].filter((row) => row !== this.#marker);
    this.clear();
    for (const row of rows) {
      if (keep(row)) this.#push(row);
      else this.onShift(this.height, -row.height);
    }
    Object.assign(this, { dropped, newest, added, attached });
    this.#mark();
  }
}
