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

import { SHOWN_CHARS, TALLEST_PX } from "./limits.js";
import { MOVES } from "./moves.js";
import { RowElement } from "./row.js";
import { plainText, selectedIn } from "./selection.js";
import { characters, Store } from "./store.js";

/** CSS px of one line of the screen; css/list.css takes it as --row. */
export const ROW_PX = 20;
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
  /** @type {RowElement[]} */
  #shown = [];
  /** @type {RowElement[]} */
  #spare = [];
  #store = new Store();
  /** @type {import("./row.js").Display} */
  #display = { utc: false, sources: false, today: "" };
  #wrap = false;
  #follow = true;
  /** Height (lines of the screen) at the upper edge. */
  #top = 0;
  #setTo = 0;
  #asked = 0;
  #columns = 120;
  #dragging = false;

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
    for (const shown of this.#shown) shown.version = -1;
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

  /** CSS px of the whole, and how many px of lines one of them stands for. */
  #scale() {
    const whole = this.#store.height * ROW_PX;
    const sight = this.#scroller.clientHeight;
    const px = Math.min(whole, TALLEST_PX);
    return { px, scale: whole > px ? (whole - sight) / (px - sight) : 1 };
  }

  #scrolled() {
    const { scrollTop } = this.#scroller;
    const moved = scrollTop - this.#setTo;
    if (Math.abs(moved) < 1) return;
    this.#setTo = scrollTop;
    this.#top = Math.min((scrollTop * this.#scale().scale) / ROW_PX, this.#last());
    const atEnd = this.#top >= this.#last() - NEAR_END;
    if (moved > 0 && atEnd && !this.#selected()) this.#setFollow(true);
    else if (moved < 0 && !atEnd) this.#setFollow(false);
    this.request();
  }

  #resized() {
    if (this.#wrap) this.#columns = columnsOf(this.#layer) ?? this.#columns;
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
    this.#show(places);
    for (let pass = 0; this.#wrap && pass < 3 && this.#correct(places); pass += 1) {
      if (this.#follow) this.#top = this.#last();
      places = this.#places();
      this.#show(places);
    }
    this.#place(places);
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

  /** @param {Place[]} places */
  #show(places) {
    const rows = places.map((place) => this.#store.at(place));
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
      if (shown.row !== row || shown.version !== row.version) shown.fill(row, this.#display);
      if (shown.element === next) next = next.nextSibling;
      else this.#layer.insertBefore(shown.element, next);
      return shown;
    });
    this.#scroller.classList.toggle("dated", this.#shown.some((shown) => shown.dated));
  }

  /** @param {RowElement} shown */
  #retire(shown) {
    shown.element.remove();
    shown.row = null;
    if (this.#spare.length < 200) this.#spare.push(shown);
  }

  /**
   * @param {Place[]} places as drawn
   * @returns {boolean} whether a guess was wrong
   */
  #correct(places) {
    let wrong = false;
    const heights = this.#shown.map((shown) => Math.max(1, Math.round(shown.element.offsetHeight / ROW_PX)));
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
    const { px, scale } = this.#scale();
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
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    move(this);
  }

  /** @param {Node} node inside a row */
  #pick(node) {
    const shown = this.#shown.find((each) => each.element.contains(node));
    if (shown?.row?.kind === "line") this.dispatchEvent(new CustomEvent("pick", { detail: shown.row }));
  }

  /** @returns {boolean} whether text of the list is selected */
  #selected() {
    return selectedIn(this.#layer) !== null;
  }

  /** @param {ClipboardEvent} event */
  #copy(event) {
    const range = selectedIn(this.#layer);
    const rows = this.#shown.flatMap(({ element, row }) => (row && range?.intersectsNode(element) ? [row] : []));
    if (rows.length < 2) return;
    event.clipboardData?.setData("text/plain", plainText(rows));
    event.preventDefault();
  }
}

/**
 * @param {HTMLElement} layer with rows
 * @returns {number|null} characters that fit beside each other in the column of the text; null: no row tells
 */
function columnsOf(layer) {
  const text = layer.querySelector(".line .text");
  if (!text) return null;
  const probe = document.createElement("span");
  probe.className = "probe";
  probe.textContent = "0".repeat(100);
  layer.append(probe);
  const width = probe.getBoundingClientRect().width / 100;
  probe.remove();
  return width > 0 ? Math.max(8, Math.floor(text.getBoundingClientRect().width / width)) : null;
}

customElements.define("log-list", LogList);
