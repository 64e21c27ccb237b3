/**
 * `<log-list>`: the lines of a Store, only those in sight as elements.
 *
 * Properties: `store`, `display` (set anew to redraw all), `wrap`, `follow` (stay at the end), `frontier` (the row from
 * which on nothing is left out; null: the first).
 * Methods: `request()` draws with the next frame; `hold(change)` changes the rows and keeps the reader's place; `end()`,
 * `home()`, `pages(n)`, `reveal(row)` move; `step(n)` selects a row, `open()` opens it, `deselect()`.
 * Events: `follow-change` when `follow` changed by the reader; `edge` (detail: `start` or `end`) near an end of what is
 * held; `pick` (detail: the row) when a line is opened, by a double click too; `fill` (detail: the row) when the lines
 * of a gap are asked for.
 *
 * Rows are of one height (or whole multiples of it when wrapped: guessed from the length, corrected once drawn). An
 * element higher than TALLEST_PX would be clamped by browsers, so beyond that the scrollbar is scaled.
 */

import { anchor, regained } from "./anchor.js";
import { characters } from "./block.js";
import { Cursor } from "./cursor.js";
import { ROW_PX } from "./geometry.js";
import { SHOWN_CHARS } from "./limits.js";
import { copied, selectedIn } from "./selection.js";
import { Sheet } from "./sheet.js";
import { Store } from "./store.js";

/** Lines from the end within which scrolling down means "follow". */
const NEAR_END = 1.5;
/** Screens from an end of what is held within which more is asked for. */
const AHEAD = 3;

/** @typedef {import("./types.js").Row} Row */

export class LogList extends HTMLElement {
  #sheet = new Sheet();
  #scroller = this.#sheet.scroller;
  #store = new Store();
  #cursor = new Cursor();
  /** @type {import("./row.js").Display} */
  #display = { utc: false, sources: false, today: "" };
  #wrap = false;
  #follow = true;
  /** Height (lines of the screen) at the upper edge. */
  #top = 0;
  #asked = 0;
  /** Characters that fit beside each other when wrapped; a guess until rows are there to measure. */
  #columns = 120;
  #measured = false;
  /** @type {Row|null} */
  frontier = null;
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
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this.#upwards(), { passive: true });
    scroller.addEventListener("touchmove", () => this.#upwards(), { passive: true });
    scroller.addEventListener("pointerdown", (event) => {
      if (!this.#selected()) this.#followed = this.#follow;
      this.#dragging = event.target === scroller;
      if (this.#dragging) this.#leave();
    });
    window.addEventListener("pointerup", () => (this.#dragging = false));
    scroller.addEventListener("click", (event) => this.#click(/** @type {HTMLElement} */ (event.target)));
    scroller.addEventListener("dblclick", (event) => this.#pick(/** @type {Node} */ (event.target)));
    scroller.addEventListener("copy", (event) => copied(event, this.#sheet.layer, this.#sheet.pool));
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
    this.#sheet.pool.stale();
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

  /** The row at the upper edge. @returns {Row|null} */
  get upper() {
    return anchor(this.#store, this.#top)?.row ?? null;
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
    const place = this.#cursor.step(this.#store, by, this.#top, this.#sheet.sight);
    if (!place) return by > 0 ? this.end() : undefined;
    const below = place.at + this.#store.at(place).height - this.#sheet.sight;
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
    this.#goTo(this.#top + n * Math.max(1, Math.floor(this.#sheet.sight) - 1));
  }

  /** @param {Row} row to select, and to put into the middle */
  reveal(row) {
    this.#cursor.row = row;
    const place = this.#store.placeOf(row);
    if (place) this.#top = Math.min(Math.max(0, place.at - this.#sheet.sight / 2), this.#last());
    this.#setFollow(false);
    this.request();
  }

  /** @param {() => void} change of the rows; what is at the upper edge stays there, unless it follows */
  hold(change) {
    const before = anchor(this.#store, this.#top);
    change();
    this.#top = regained(this.#store, before) ?? this.#top;
    this.request();
  }

  /** @param {number} top */
  #goTo(top) {
    if (top < this.#top && top <= 0) this.#edge("start");
    this.#top = Math.min(Math.max(0, top), this.#last());
    this.#setFollow(this.#atEnd());
    this.request();
  }

  /** Whether the reader is at the end of what there is. */
  #atEnd() {
    return this.#store.attached && this.#top >= this.#last() - NEAR_END;
  }

  #last() {
    return Math.max(0, this.#store.height - this.#sheet.sight);
  }

  /** The reader moves away from the end: stay where they are. */
  #leave() {
    if (this.#last() > 0) this.#setFollow(false);
  }

  /** Also where there is nothing to scroll: what is before it is wanted. */
  #upwards() {
    this.#leave();
    if (this.#top <= 0) this.#edge("start");
  }

  /** @param {"start"|"end"} which */
  #edge(which) {
    this.dispatchEvent(new CustomEvent("edge", { detail: which }));
  }

  /** Ask for more before the reader comes to an end. */
  #lookAhead() {
    const far = AHEAD * this.#sheet.sight;
    const start = (this.frontier && this.#store.placeOf(this.frontier)?.at) ?? 0;
    if (!this.#follow && this.#top < start + far) this.#edge("start");
    if (!this.#store.attached && this.#top > this.#last() - far) this.#edge("end");
  }

  /** @param {boolean} follow */
  #setFollow(follow) {
    if (follow === this.#follow) return;
    this.#follow = follow;
    this.dispatchEvent(new CustomEvent("follow-change"));
  }

  #scrolled() {
    const moved = this.#sheet.moved(this.#store);
    if (!moved) return;
    this.#top = Math.min(moved.top, this.#last());
    if (moved.by > 0 && this.#atEnd() && !this.#selected()) this.#setFollow(true);
    else if (moved.by < 0 && !this.#atEnd()) this.#setFollow(false);
    this.request();
  }

  #resized() {
    const columns = this.#wrap ? this.#sheet.columns : null;
    this.#measured = columns !== null;
    this.#columns = columns ?? this.#columns;
    this.hold(() => this.#store.measure());
  }

  #draw() {
    this.#asked = 0;
    if (this.#follow && !this.#dragging) this.#top = this.#last();
    this.#top = Math.min(this.#top, this.#last());
    let places = this.#show();
    for (let pass = 0; this.#wrap && pass < 3; pass += 1) {
      const { wrong, by } = this.#sheet.correct(this.#store, places, this.#top);
      if (!wrong) break;
      this.#top = this.#follow ? this.#last() : this.#top + by;
      places = this.#show();
    }
    if (this.#wrap && !this.#measured && places.length) this.#resized();
    this.#sheet.settle(this.#store, this.#top, places[0]?.at ?? 0);
    this.#lookAhead();
  }

  #show() {
    return this.#sheet.show(this.#store, this.#top, this.#display, this.#cursor.row);
  }

  /** @param {Node} node inside a row */
  #pick(node) {
    const row = this.#sheet.pool.rowAt(node);
    if (row?.kind !== "line") return;
    getSelection()?.removeAllRanges();
    if (this.#followed) this.end();
    this.#act(row);
  }

  /** @param {HTMLElement} target */
  #click(target) {
    const row = target.closest("button") && this.#sheet.pool.rowAt(target);
    if (row) this.#act(row);
  }

  /** A line is shown whole, a gap is filled. @param {Row} row */
  #act(row) {
    if (row.kind === "mark" && !row.gap) return;
    this.dispatchEvent(new CustomEvent(row.kind === "line" ? "pick" : "fill", { detail: row }));
  }

  /** @returns {boolean} whether text of the list is selected */
  #selected() {
    return selectedIn(this.#sheet.layer) !== null;
  }
}

customElements.define("log-list", LogList);
