/**
 * `<log-list>`: the lines of a Store, only those in sight as elements.
 *
 * Properties: `store`, `display` (set anew to redraw all), `wrap`, `follow` (stay at the end).
 * Methods: `request()` draws with the next frame; `end()`, `home()`, `lines(n)`, `pages(n)` move; `rowAt(element)`.
 * Events: `follow-change` when `follow` changed by the reader; `pick` (detail: the row) on a double click or Enter.
 *
 * Rows are of one height (or whole multiples of it when wrapped: guessed from the length, corrected once drawn). An
 * element higher than TALLEST_PX would be clamped by browsers, so beyond that the scrollbar is scaled.
 */

import { columnsOf, ROW_PX, scaled } from "./geometry.js";
import { SHOWN_CHARS } from "./limits.js";
import { MOVES } from "./moves.js";
import { Pool } from "./pool.js";
import { plainText, selectedIn } from "./selection.js";
import { characters, Store } from "./store.js";

/** Lines drawn above and below what is in sight, so that a quick scroll does not show a blank. */
const SPARE = 16;
/** Lines from the end within which scrolling down means "follow". */
const NEAR_END = 1.5;

/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./store.js").Place} Place */

export class LogList extends HTMLElement {
  #scroller = document.createElement("div");
  #spacer = document.createElement("div");
  #layer = document.createElement("div");
  #pool = new Pool(this.#layer);
  #store = new Store();
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
    this.#scroller.className = "scroller";
    this.#scroller.tabIndex = 0;
    this.#scroller.setAttribute("role", "log");
    this.#scroller.setAttribute("aria-live", "off");
    this.#scroller.setAttribute("aria-label", "Log lines");
    this.#spacer.className = "spacer";
    this.#layer.className = "layer";
    this.#spacer.append(this.#layer);
    this.#scroller.append(this.#spacer);
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
    scroller.addEventListener("keydown", (event) => this.#key(event));
    scroller.addEventListener("dblclick", (event) => this.#pick(/** @type {Node} */ (event.target)));
    scroller.addEventListener("copy", (event) => this.#copy(event));
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

  set follow(follow) {
    this.#follow = follow;
    this.request();
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

  /** @param {number} n down; negative: up */
  lines(n) {
    this.#goTo(this.#top + n);
  }

  /** @param {number} n */
  pages(n) {
    this.#goTo(this.#top + n * Math.max(1, Math.floor(this.#inSight()) - 1));
  }

  /** @override */
  focus() {
    this.#scroller.focus({ preventScroll: true });
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
    if (row && !this.#follow) this.#top = Math.max(0, this.#store.heightOf(row));
    this.request();
  }

  #draw() {
    this.#asked = 0;
    if (this.#follow && !this.#dragging) this.#top = this.#last();
    this.#top = Math.min(this.#top, this.#last());
    let places = this.#places();
    this.#pool.show(places.map((place) => this.#store.at(place)), this.#display);
    for (let pass = 0; this.#wrap && pass < 3 && this.#correct(places); pass += 1) {
      if (this.#follow) this.#top = this.#last();
      places = this.#places();
      this.#pool.show(places.map((place) => this.#store.at(place)), this.#display);
    }
    if (this.#wrap && !this.#measured && places.length) this.#resized();
    this.#place(places);
    this.#scroller.classList.toggle("dated", this.#pool.dated);
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
    this.#spacer.style.height = `${px}px`;
    const wanted = (this.#top * ROW_PX) / scale;
    if (Math.abs(this.#scroller.scrollTop - wanted) >= 0.5) this.#scroller.scrollTop = wanted;
    this.#setTo = this.#scroller.scrollTop;
    const first = places.length ? places[0].at : 0;
    const y = scale === 1 ? first * ROW_PX : this.#setTo + (first - this.#top) * ROW_PX;
    this.#layer.style.transform = `translateY(${y}px)`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    move(this);
  }

  /** @param {Node} node inside a row */
  #pick(node) {
    const [row] = this.#pool.rows((element) => element.contains(node));
    if (row?.kind !== "line") return;
    getSelection()?.removeAllRanges();
    if (this.#followed) this.end();
    this.dispatchEvent(new CustomEvent("pick", { detail: row }));
  }

  /** @returns {boolean} whether text of the list is selected */
  #selected() {
    return selectedIn(this.#layer) !== null;
  }

  /** @param {ClipboardEvent} event */
  #copy(event) {
    const range = selectedIn(this.#layer);
    const rows = this.#pool.rows((element) => range?.intersectsNode(element) === true);
    if (rows.length < 2) return;
    event.clipboardData?.setData("text/plain", plainText(rows));
    event.preventDefault();
  }
}

customElements.define("log-list", LogList);
