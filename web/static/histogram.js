/**
 * `<time-histogram>`: the lines of a range over time, by level. A drag over it, a click, or the keys narrow the range.
 *
 * Properties: `bars` (Bars or null), `utc`, `busy`.
 * Events: `narrow` (detail: `{since, until}`, RFC 3339); `look` (detail: the bucket that is pointed at, or null).
 */

import { match, span, said, spanWords } from "./buckets.js";
import { chart } from "./chart.js";
import { html, LitElement, nothing } from "./vendor/lit.js";

/** Ranges longer than this (seconds) are cut at whole seconds. */
const WHOLE_S = 30;
/** Inks that CSS knows; the canvas is given what they come to in this theme. */
const INKS = /** @type {const} */ (["text", "grid", "all", "warnings", "errors", "estimate"]);

export class TimeHistogram extends LitElement {
  /** @override */
  static properties = {
    bars: { attribute: false },
    utc: { type: Boolean },
    busy: { type: Boolean },
    at: { state: true },
  };

  /** @type {import("./chart.js").Chart|null} */
  #chart = null;
  /** What it shows, or is about to. @type {import("./buckets.js").Bars|null} */
  #drawn = null;
  /** Counted up with each drawing, as it is done a moment later. */
  #drawing = 0;
  #resized = new ResizeObserver(() => this.#draw());
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #themed = new MutationObserver(() => this.#draw());
  #redraw = () => this.#draw();

  constructor() {
    super();
    /** @type {import("./buckets.js").Bars|null} */
    this.bars = null;
    this.utc = this.busy = false;
    /** The bucket that the keys are at. @type {number|null} */
    this.at = null;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    this.#resized.observe(this);
    this.#scheme.addEventListener("change", this.#redraw);
    this.#themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.#themed.disconnect();
    this.#scheme.removeEventListener("change", this.#redraw);
    this.#chart?.plot.destroy();
    this.#chart = null;
  }

  /** @override @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (!this.bars) this.#drawn = null; // what comes next is another view's
    if (changed.has("bars") && !match(this.bars, this.#drawn)) this.at = null;
  }

  /** @override @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has("bars") && !changed.has("utc") && this.#chart && match(this.bars, this.#drawn)) this.#show();
    else if (changed.has("bars") || changed.has("utc")) this.#draw();
    if (changed.has("at")) this.#point();
  }

  /** Other counts of the same time: what the reader points at, or draws, stays. */
  #show() {
    const { bars } = this;
    if (!bars || bars === this.#drawn) return;
    this.#drawn = bars;
    this.#chart?.show(bars);
  }

  async #draw() {
    const box = /** @type {HTMLElement|null} */ (this.querySelector(".plot"));
    const { bars } = this;
    if (!box || !bars || !box.clientWidth) return;
    const drawing = (this.#drawing += 1);
    const fresh = document.createElement("div");
    fresh.className = "sheet";
    box.append(fresh);
    const drawn = await chart(fresh, bars, this.utc, this.#inks(), {
      over: (i) => this.#look(i),
      drawn: (since, until) => this.#narrow(since * 1000, until * 1000),
      clicked: (i) => this.#pick(i),
    });
    if (drawing !== this.#drawing) return drawn.plot.destroy(), fresh.remove();
    this.#chart?.plot.destroy();
    [this.#chart, this.#drawn] = [drawn, bars];
    box.replaceChildren(fresh);
    if (match(this.bars, bars)) this.#show();
    return undefined;
  }

  /** @returns {import("./chart.js").Inks} */
  #inks() {
    const colour = (/** @type {string} */ name) => getComputedStyle(/** @type {Element} */ (this.querySelector(`.ink.${name}`))).color;
    return /** @type {import("./chart.js").Inks} */ (Object.fromEntries(INKS.map((name) => [name, colour(name)])));
  }

  /** @param {number|null} i */
  #look(i) {
    this.dispatchEvent(new CustomEvent("look", { detail: i }));
  }

  /** @param {number} i */
  #pick(i) {
    if (!this.bars) return;
    const { since, until } = span(this.bars, i);
    this.#narrow(since, until);
  }

  /**
   * @param {number} since ms since the epoch
   * @param {number} until the same
   */
  #narrow(since, until) {
    const step = until - since >= WHOLE_S * 1000 ? 1000 : 1;
    const from = Math.floor(since / step) * step;
    const to = Math.max(from + 1, Math.ceil(until / step) * step);
    const detail = { since: new Date(from).toISOString(), until: new Date(to).toISOString() };
    this.dispatchEvent(new CustomEvent("narrow", { detail }));
  }

  /** Show where the keys are. */
  #point() {
    if (this.at === null || !this.bars || !this.#chart) return;
    const { plot } = this.#chart;
    const { since, until } = span(this.bars, this.at);
    plot.setCursor({ left: plot.valToPos((since + until) / 2000, "x"), top: 0 });
    this.#look(this.at);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (!this.bars || event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.bars.starts.length - 1;
    const moves = { ArrowLeft: (this.at ?? last + 1) - 1, ArrowRight: (this.at ?? -1) + 1, Home: 0, End: last };
    const to = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (to === undefined && event.key !== "Enter") return;
    event.preventDefault();
    if (to !== undefined) this.at = Math.min(last, Math.max(0, to));
    else if (this.at !== null) this.#pick(this.at);
  }

  /** @override */
  render() {
    const { bars, at } = this;
    const last = bars ? bars.starts.length - 1 : 0;
    const value = bars && at !== null ? `${spanWords(bars, at, this.utc)}: ${said(bars, at)}` : bars ? said(bars, null) : "";
    return html`<div class="plot ${this.busy && !bars?.exact ? "busy" : ""}" role="slider" tabindex=${bars ? 0 : -1} aria-label="Lines over time; Enter narrows the range"
        aria-valuemin="0" aria-valuemax=${last} aria-valuenow=${at ?? last} aria-valuetext=${value} aria-disabled=${!bars}
        @keydown=${(/** @type {KeyboardEvent} */ event) => this.#press(event)}></div>
      <span class="inks" aria-hidden="true">${INKS.map((name) => html`<i class="ink ${name}"></i>`)}</span>
      ${bars ? nothing : html`<p class="quiet">${this.busy ? "Estimating…" : "No counts"}</p>`}`;
  }
}

customElements.define("time-histogram", TimeHistogram);
