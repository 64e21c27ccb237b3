/** The drawn part of the list: elements for the rows in sight, and a scrollbar that stands for all of them. */

import { frame } from "./frame.js";
import { columnsOf, ROW_PX, scaled } from "./geometry.js";
import { Pool } from "./pool.js";

/** Lines drawn above and below what is in sight, so that a quick scroll does not show a blank. */
const SPARE = 16;

/** @typedef {import("./blocks.js").Blocks} Blocks */
/** @typedef {import("./blocks.js").Place} Place */

export class Sheet {
  #frame = frame();
  scroller = this.#frame.scroller;
  layer = this.#frame.layer;
  pool = new Pool(this.layer);
  /** CSS px that the scrollbar was set to. */
  #setTo = 0;

  /** Lines of the screen that are in sight. */
  get sight() {
    return this.scroller.clientHeight / ROW_PX;
  }

  /** Characters that fit beside each other; null: no row is there to tell. */
  get columns() {
    return columnsOf(this.layer);
  }

  /**
   * @param {Blocks} store
   * @param {number} top height at the upper edge
   * @param {import("./row.js").Display} display
   * @param {import("./types.js").Row|null} selected
   * @returns {Place[]} of the rows that are drawn now
   */
  show(store, top, display, selected) {
    const places = [];
    let place = store.locate(Math.max(0, top - SPARE));
    const until = top + this.sight + SPARE;
    while (place && place.at < until) {
      places.push(place);
      place = store.after(place);
    }
    this.pool.show(places.map((each) => store.at(each)), display, selected);
    return places;
  }

  /**
   * Wrapped rows turn out to have other heights than guessed.
   *
   * @param {Blocks} store
   * @param {Place[]} places as drawn
   * @param {number} top height at the upper edge
   * @returns {{wrong: boolean, by: number}} whether a guess was, and how much came above the edge
   */
  correct(store, places, top) {
    let [wrong, by] = [false, 0];
    const heights = this.pool.heights().map((px) => Math.max(1, Math.round(px / ROW_PX)));
    places.forEach((place, i) => {
      const more = heights[i] - store.at(place).height;
      if (!more) return;
      wrong = true;
      store.correct(place, heights[i]);
      if (place.at < Math.floor(top + by)) by += more;
    });
    return { wrong, by };
  }

  /**
   * Put the scrollbar, and the rows, where they belong.
   *
   * @param {Blocks} store
   * @param {number} top height at the upper edge
   * @param {number} first height at which the first drawn row begins
   */
  settle(store, top, first) {
    const { px, scale } = scaled(store.height * ROW_PX, this.scroller.clientHeight);
    this.#frame.spacer.style.height = `${px}px`;
    const wanted = (top * ROW_PX) / scale;
    if (Math.abs(this.scroller.scrollTop - wanted) >= 0.5) this.scroller.scrollTop = wanted;
    this.#setTo = this.scroller.scrollTop;
    const y = scale === 1 ? first * ROW_PX : this.#setTo + (first - top) * ROW_PX;
    this.layer.style.transform = `translateY(${y}px)`;
    this.scroller.classList.toggle("dated", this.pool.dated);
  }

  /**
   * @param {Blocks} store
   * @returns {{by: number, top: number}|null} CSS px that the reader moved the scrollbar, and the height that it means
   */
  moved(store) {
    const { scrollTop, clientHeight } = this.scroller;
    const by = scrollTop - this.#setTo;
    if (Math.abs(by) < 1) return null;
    this.#setTo = scrollTop;
    return { by, top: (scrollTop * scaled(store.height * ROW_PX, clientHeight).scale) / ROW_PX };
  }
}
