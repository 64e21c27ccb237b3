/**
 * `<log-list>`: the lines of a Store, only those in sight as elements.
 *
 * Properties: `store`, `display` (set anew to redraw all), `wrap`, `follow` (stay at the end).
 * Methods: `request()` draws with the next frame; `end()`, `home()`, `pages(n)` move; `step(n)` selects a row, `open()`
 * opens it, `deselect()`.
 * Events: `follow-change` when `follow` changed by the reader; `pick` (detail: the row) when a line is opened, by a
 * double click too; `fill` (detail: the row) when the lines of a gap are asked for.
 *
 * Rows are of one height (or whole multiples of it when wrapped: guessed from the length, corrected once drawn). An
 * element higher than TALLEST_PX would be clamped by browsers, so beyond that the scrollbar is scaled.
 */

import { characters } from "./block.js";
import { Cursor } from "./cursor.js";
import { frame } from "./frame.js";
import { columnsOf, ROW_PX, scaled } from "./geometry.js";
import { SHOWN_CHARS } from "./limits.js";
import { Pool } from "./pool.js";
import { copied, selectedIn } from "./selection.js";
import { Store } from "./store.js";

/** Lines drawn above and below what is in sight, so that a quick scroll does not show a blank. */
const SPARE = 16;
/** Lines from the end within which scrolling down means "follow". */
const NEAR_END = 1.5;

/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./store.js").Place} Place */

export class LogList extends HTMLElement {
  #frame = frame();
  #scroller = this.#frame.scroller;
  #layer = this.#frame.layer;
  #pool = new Pool(this.#layer);
  #store = new Store();
  #cursor = new Cursor();
  /** @type {import("./row.js").Display} */
  #display = { utc: false, sources: false, today: "" };
  #wrap = false;
  #follow = true;
  /** Height (lines of the screen) at the upper edge. */
  #top = 0;
  #setTo = 0;
  #asked = 0;
  /** Characters that fit beside each other when wrapped; a guess until rows are there to measure. */
  #columns = 120;
  #measured = false;
  #dragging = false;
  /** Whether it followed before a click that may become a double click, whose selection stops it. */
  #followed = true;

  connectedCallback() {
    if (this.#scroller.isConnected) return;
    this.append(this.#scroller);
    this.style.setProperty("--row", `${ROW_PX}px`);
    this.#listen();
    this.request();
  }

  #listen() {
    const scroller = this.#scroller;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this.#leave(), { passive: true });
    scroller.addEventListener("touchmove", () => this.#leave(), { passive: true });
    scroller.addEventListener("pointerdown", (event) => {
      if (!this.#selected()) this.#followed = this.#follow;
      this.#dragging = event.target === scroller;
      if (this.#dragging) this.#leave();
    });
    window.addEventListener("pointerup", () => (this.#dragging = false));
    scroller.addEventListener("click", (event) => this.#click(/** @type {HTMLElement} */ (event.target)));
    scroller.addEventListener("dblclick", (event) => this.#pick(/** @type {Node} */ (event.target)));
    scroller.addEventListener("copy", (event) => copied(event, this.#layer, this.#pool));
    document.addEventListener("selectionchange", () => this.#selected() && this.#leave());
    new ResizeObserver(() => this.#resized()).observe(scroller);
    document.fonts.ready.then(() => this.#resized());
  }

  get store() {
    return this.#store;
  }

  set store(store) {
    this.#store = store;
    store.guess = (row) => this.#guess(row);
    store.onShift = (at, by) => {
      if (at < this.#top) this.#top = Math.max(0, this.#top + by);
    };
    this.request();
  }

  set display(/** @type {import("./row.js").Display} */ display) {
    this.#display = display;
    this.#pool.stale();
    this.#resized();
  }

  get wrap() {
    return this.#wrap;
  }

  set wrap(wrap) {
    if (wrap === this.#wrap) return;
    this.#wrap = wrap;
    this.#scroller.classList.toggle("wrap", wrap);
    this.#scroller.scrollLeft = 0;
    this.#resized();
  }

  get follow() {
    return this.#follow;
  }

  /** Of a row's height, in lines of the screen. @param {Row} row */
  #guess(row) {
    if (!this.#wrap) return 1;
    return Math.max(1, Math.ceil(Math.min(characters(row), SHOWN_CHARS) / this.#columns));
  }

  request() {
    if (!this.#asked) this.#asked = requestAnimationFrame(() => this.#draw());
  }

  end() {
    this.#setFollow(true);
    this.request();
  }

  home() {
    this.#goTo(0);
  }

  /** Select the next row; beyond the last one, follow. @param {1|-1} by down or up */
  step(by) {
    const place = this.#cursor.step(this.#store, by, this.#top, this.#inSight());
    if (!place) return by > 0 ? this.end() : undefined;
    const below = place.at + this.#store.at(place).height - this.#inSight();
    this.#goTo(Math.max(Math.min(this.#top, place.at), below));
    this.#leave();
  }

  /** Open the selected row. */
  open() {
    if (this.#cursor.row) this.#act(this.#cursor.row);
  }

  /** @returns {boolean} whether a row was selected */
  deselect() {
    this.request();
    return this.#cursor.clear();
  }

  /** @param {number} n */
  pages(n) {
    this.#goTo(this.#top + n * Math.max(1, Math.floor(this.#inSight()) - 1));
  }

  /** @param {number} top */
  #goTo(top) {
    this.#top = Math.min(Math.max(0, top), this.#last());
    this.#setFollow(this.#top >= this.#last() - NEAR_END);
    this.request();
  }

  #inSight() {
    return this.#scroller.clientHeight / ROW_PX;
  }

  #last() {
    return Math.max(0, this.#store.height - this.#inSight());
  }

  /** The reader moves away from the end: stay where they are. */
  #leave() {
    if (this.#last() > 0) this.#setFollow(false);
  }

  /** @param {boolean} follow */
  #setFollow(follow) {
    if (follow === this.#follow) return;
    this.#follow = follow;
    this.dispatchEvent(new CustomEvent("follow-change"));
  }

  #scrolled() {
    const { scrollTop } = this.#scroller;
    const moved = scrollTop - this.#setTo;
    if (Math.abs(moved) < 1) return;
    this.#setTo = scrollTop;
    this.#top = Math.min((scrollTop * scaled(this.#store.height * ROW_PX, this.#scroller.clientHeight).scale) / ROW_PX, this.#last());
    const atEnd = this.#top >= this.#last() - NEAR_END;
    if (moved > 0 && atEnd && !this.#selected()) this.#setFollow(true);
    else if (moved < 0 && !atEnd) this.#setFollow(false);
    this.request();
  }

  #resized() {
    const columns = this.#wrap ? columnsOf(this.#layer) : null;
    this.#measured = columns !== null;
    this.#columns = columns ?? this.#columns;
    const anchor = this.#store.locate(this.#top);
    const row = anchor && this.#store.at(anchor);
    this.#store.measure();
    if (row && !this.#follow) this.#top = this.#store.placeOf(row)?.at ?? 0;
    this.request();
  }

  #draw() {
    this.#asked = 0;
    if (this.#follow && !this.#dragging) this.#top = this.#last();
    this.#top = Math.min(this.#top, this.#last());
    let places = this.#places();
    this.#show(places);
    for (let pass = 0; this.#wrap && pass < 3 && this.#correct(places); pass += 1) {
      if (this.#follow) this.#top = this.#last();
      places = this.#places();
      this.#show(places);
    }
    if (this.#wrap && !this.#measured && places.length) this.#resized();
    this.#place(places);
    this.#scroller.classList.toggle("dated", this.#pool.dated);
  }

  /** @param {Place[]} places */
  #show(places) {
    this.#pool.show(places.map((place) => this.#store.at(place)), this.#display, this.#cursor.row);
  }

  /** @returns {Place[]} of the rows to draw */
  #places() {
    const places = [];
    let place = this.#store.locate(Math.max(0, this.#top - SPARE));
    const until = this.#top + this.#inSight() + SPARE;
    while (place && place.at < until) {
      places.push(place);
      place = this.#store.after(place);
    }
    return places;
  }

  /**
   * @param {Place[]} places as drawn
   * @returns {boolean} whether a guess was wrong
   */
  #correct(places) {
    let wrong = false;
    const heights = this.#pool.heights().map((px) => Math.max(1, Math.round(px / ROW_PX)));
    places.forEach((place, i) => {
      const by = heights[i] - this.#store.at(place).height;
      if (!by) return;
      wrong = true;
      this.#store.correct(place, heights[i]);
      if (place.at < Math.floor(this.#top)) this.#top += by;
    });
    return wrong;
  }

  /** @param {Place[]} places */
  #place(places) {
    const { px, scale } = scaled(this.#store.height * ROW_PX, this.#scroller.clientHeight);
    this.#frame.spacer.style.height = `${px}px`;
    const wanted = (this.#top * ROW_PX) / scale;
    if (Math.abs(this.#scroller.scrollTop - wanted) >= 0.5) this.#scroller.scrollTop = wanted;
    this.#setTo = this.#scroller.scrollTop;
    const first = places.length ? places[0].at : 0;
    const y = scale === 1 ? first * ROW_PX : this.#setTo + (first - this.#top) * ROW_PX;
    this.#layer.style.transform = `translateY(${y}px)`;
  }

  /** @param {Node} node inside a row */
  #pick(node) {
    const row = this.#pool.rowAt(node);
    if (row?.kind !== "line") return;
    getSelection()?.removeAllRanges();
    if (this.#followed) this.end();
    this.#act(row);
  }

  /** @param {HTMLElement} target */
  #click(target) {
    const row = target.closest("button") && this.#pool.rowAt(target);
    if (row) this.#act(row);
  }

  /** A line is shown whole, a gap is filled. @param {Row} row */
  #act(row) {
    if (row.kind === "mark" && !row.gap) return;
    this.dispatchEvent(new CustomEvent(row.kind === "line" ? "pick" : "fill", { detail: row }));
  }

  /** @returns {boolean} whether text of the list is selected */
  #selected() {
    return selectedIn(this.#layer) !== null;
  }
}

customElements.define("log-list", LogList);
