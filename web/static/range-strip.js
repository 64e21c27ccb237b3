/**
 * `<range-strip>`: above the lines of a range: their counts over time, and what can be done with the whole of it.
 *
 * Properties: `view` (View), `histogram` (Histogram or null), `busy`, `problem` (of the counts), `utc`.
 * Events: `narrow` (detail: `{since, until}`), `reload`, `download`, `live`.
 */

import "./histogram.js";
import { bars, match, said, spanWords } from "./buckets.js";
import * as icons from "./icons.js";
import { html, LitElement, nothing } from "./vendor/lit.js";

export class RangeStrip extends LitElement {
  /** @override */
  static properties = {
    view: { attribute: false },
    histogram: { attribute: false },
    busy: { type: Boolean },
    problem: { type: String },
    utc: { type: Boolean },
    over: { state: true },
  };

  constructor() {
    super();
    this.view = /** @type {import("./types.js").View} */ (/** @type {unknown} */ (null)); // set before it is put into the page
    /** @type {import("./types.js").Histogram|null} */
    this.histogram = null;
    this.busy = this.utc = false;
    this.problem = "";
    /** The bucket that is pointed at. @type {number|null} */
    this.over = null;
    /** @type {{of: import("./types.js").Histogram|null, bars: import("./buckets.js").Bars|null}} */
    this.made = { of: null, bars: null };
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** The same object as long as the counts are. */
  get #bars() {
    if (this.made.of !== this.histogram) this.made = { of: this.histogram, bars: this.histogram && bars(this.histogram, !this.#filtered) };
    return this.made.bars;
  }

  /** Whether other lines are counted than there are. */
  get #filtered() {
    const { grep, exclude, level } = this.view;
    return grep.length > 0 || exclude.length > 0 || level !== "";
  }

  /** @param {"reload"|"download"|"live"} name */
  #send(name) {
    this.dispatchEvent(new CustomEvent(name));
  }

  /** @override @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    const before = this.made.bars;
    if (changed.has("histogram") && !match(this.#bars, before)) this.over = null;
  }

  /** @override */
  render() {
    const { at, since, until } = this.view;
    const moving = [since, until].some((text) => text.startsWith("-")) || (since && !until);
    return html`<div class="strip-head">
        <p class="said" title=${this.#failures() || nothing}>${at ? "The lines around one, of all files. The filters hold." : this.#said()}</p>
        ${!at && moving ? this.#button("reload", "Ask again, up to now", icons.reload) : nothing}
        ${at ? nothing : this.#button("download", "Download these lines", icons.download)}
        <button type="button" class="text-button" @click=${() => this.#send("live")}>Live</button>
      </div>
      ${at ? nothing : this.#chart()}`;
  }

  #said() {
    const shown = this.#bars;
    if (!shown) return this.problem ? `No counts: ${this.problem}` : nothing;
    if (this.over !== null && this.over < shown.starts.length) return `${spanWords(shown, this.over, this.utc)}: ${said(shown, this.over)}`;
    const failed = this.histogram?.failed.length ? `, without ${[...new Set(this.histogram.failed.map(({ host }) => host))].join(", ")}` : "";
    const part = this.histogram?.part === undefined ? "" : ` ${Math.floor(this.histogram.part * 100)} %`;
    const note = this.busy ? `, counting…${part}` : this.problem ? ` (${this.problem})` : "";
    return `${said(shown, null)}${failed}${note}`;
  }

  /** @returns {string} why the counts leave out hosts */
  #failures() {
    return (this.histogram?.failed ?? []).map(({ host, detail }) => `${host}: ${detail}`).join("\n");
  }

  /** @param {"reload"|"download"} name @param {string} label @param {unknown} icon */
  #button(name, label, icon) {
    return html`<button type="button" class="icon-button" aria-label=${label} title=${label} @click=${() => this.#send(name)}>${icon}</button>`;
  }

  #chart() {
    return html`<time-histogram .bars=${this.#bars} ?busy=${this.busy} ?utc=${this.utc}
      @look=${(/** @type {CustomEvent<number|null>} */ event) => (this.over = event.detail)}
      @narrow=${(/** @type {CustomEvent} */ event) => this.dispatchEvent(new CustomEvent("narrow", { detail: event.detail }))}></time-histogram>`;
  }
}

customElements.define("range-strip", RangeStrip);
