/**
 * `<line-context>`: the lines before and after one line, in its own file, whatever the view's filters hide.
 *
 * Properties: `line`, a record, asked about once when the element is put into the page; `utc`, the clock of its times.
 * Taking the element away forgets the lines and stops what is being asked. It stands in what scrolls: its `dialog`.
 */

import { around, Refused, words } from "./api.js";
import * as icons from "./icons.js";
import { CONTEXT_FIRST, CONTEXT_MORE, CONTEXT_MOST } from "./limits.js";
import { RowElement } from "./row.js";
import { lineRow } from "./rows.js";
import { neutral } from "./text.js";
import { html, LitElement, nothing } from "./vendor/lit.js";
import { count, plural, stamp } from "./words.js";

const NOT_IN_IT = "the answer does not hold the line";

/** @typedef {import("./types.js").LineRecord} LineRecord */
/** @typedef {"before"|"after"} Side */

/**
 * @typedef {object} Edge one end of what is shown
 * @property {LineRecord} line the last on that side
 * @property {number} shown lines on that side
 * @property {boolean} end the log had no more
 */

export class LineContext extends LitElement {
  /** @override */
  static properties = {
    line: { attribute: false },
    utc: { type: Boolean },
    busy: { state: true },
    problem: { state: true },
  };

  #stop = new AbortController();
  /** @type {Record<Side, Edge>|null} null: nothing came yet */
  #edges = null;

  constructor() {
    super();
    this.line = /** @type {LineRecord} */ (/** @type {unknown} */ (null)); // set before it is put into the page
    this.utc = false;
    /** @type {Side|"both"|""} what is being asked for */
    this.busy = "";
    /** @type {{side: Side|"both", words: string, again: boolean}|null} */
    this.problem = null;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @override */
  firstUpdated() {
    this.#ask("both");
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    this.#stop.abort();
  }

  get #rows() {
    return /** @type {HTMLElement} */ (this.querySelector(".around"));
  }

  /** @param {Side|"both"} side */
  async #ask(side) {
    if (this.busy) return;
    this.busy = side;
    this.problem = null;
    const take = await this.#answer(side);
    if (this.#stop.signal.aborted) return;
    const keep = this.#anchor(side);
    take();
    this.busy = "";
    await this.updateComplete;
    keep();
  }

  /**
   * @param {Side|"both"} side
   * @returns {Promise<() => void>} what takes the answer in
   */
  async #answer(side) {
    const wanted = { before: this.#step("before", side), after: this.#step("after", side) };
    const { position: from } = side === "both" ? this.line : this.#edge(side).line;
    try {
      const { lines, failed } = await around(from, wanted, this.#stop.signal);
      const at = lines.findIndex(({ position }) => position === from);
      const came = { before: lines.slice(0, at), after: lines.slice(at + 1) };
      if (at >= 0) return () => this.#take(side, came, wanted);
      return () => this.#fail(side, failed.length ? `${failed[0].host}: ${failed[0].detail}` : NOT_IN_IT, true);
    } catch (error) {
      return () => this.#fail(side, words(error), !(error instanceof Refused && error.gone));
    }
  }

  /**
   * @param {Side|"both"} side
   * @param {string} words
   * @param {boolean} again whether trying again can help
   */
  #fail(side, words, again) {
    this.problem = { side, words, again };
  }

  /**
   * @param {Side} side
   * @param {Side|"both"} asked
   * @returns {number} lines to ask for on that side
   */
  #step(side, asked) {
    if (asked === "both") return CONTEXT_FIRST;
    return asked === side ? Math.min(CONTEXT_MORE, CONTEXT_MOST - this.#edge(side).shown) : 0;
  }

  /** @param {Side} side */
  #edge(side) {
    return /** @type {Record<Side, Edge>} */ (this.#edges)[side];
  }

  /**
   * @param {Side|"both"} side
   * @param {Record<Side, LineRecord[]>} came
   * @param {Record<Side, number>} wanted lines at most
   */
  #take(side, came, wanted) {
    if (side === "both") {
      const edge = { line: this.line, shown: 0, end: false };
      this.#edges = { before: { ...edge }, after: { ...edge } };
      this.#rows.append(this.#row(this.line));
    }
    for (const each of /** @type {Side[]} */ (["before", "after"])) {
      if (wanted[each]) this.#grow(each, came[each], wanted[each]);
    }
  }

  /**
   * @param {Side} side
   * @param {LineRecord[]} lines
   * @param {number} wanted
   */
  #grow(side, lines, wanted) {
    const edge = this.#edge(side);
    const rows = lines.map((line) => this.#row(line));
    if (side === "before") this.#rows.prepend(...rows);
    else this.#rows.append(...rows);
    edge.line = lines.at(side === "before" ? 0 : -1) ?? edge.line;
    edge.shown += lines.length;
    edge.end = lines.length < wanted;
  }

  /** @param {LineRecord} record */
  #row(record) {
    const row = new RowElement();
    const today = stamp(Date.parse(this.line.time), this.utc).day;
    row.fill(lineRow(record), { utc: this.utc, sources: false, today });
    row.select(record.position === this.line.position);
    row.element.setAttribute("role", "listitem");
    if (row.dated) this.#rows.classList.add("dated");
    return row.element;
  }

  /**
   * What the reader looks at stays where it is, and the focus is not lost with a button that goes.
   *
   * @param {Side|"both"} side that grows
   * @returns {() => void} to be called when it has grown
   */
  #anchor(side) {
    const scroller = this.closest("dialog");
    const first = this.#rows.firstElementChild;
    const top = first?.getBoundingClientRect().top ?? 0;
    const focused = this.contains(document.activeElement);
    return () => {
      if (side === "both") this.querySelector(".selected")?.scrollIntoView({ block: "center" });
      else if (scroller && first) scroller.scrollTop += first.getBoundingClientRect().top - top;
      if (focused && !this.contains(document.activeElement)) this.querySelector("section")?.focus({ preventScroll: true });
    };
  }

  /** @override */
  render() {
    return html`<section aria-label="Context" aria-busy=${this.busy !== ""} tabindex="-1">
      <h3>Lines around it in its own file, without the filters</h3>
      ${this.#side("before")}
      <div class="around" role="list" aria-label="Lines around" ?hidden=${!this.#edges}></div>
      ${this.#edges ? this.#side("after") : nothing}
    </section>`;
  }

  /** @param {Side} side */
  #side(side) {
    const asked = this.#edges ? side : "both";
    const problem = this.problem?.side === asked ? this.problem : null;
    const name = this.#offer(side, asked);
    // One button all the while, so that it keeps the focus.
    return html`<div class="side">
      ${problem ? html`<p class="problem" role="alert">${icons.warning}<span>Not shown: ${neutral(problem.words)}</span></p>` : nothing}
      ${this.#edges ? this.#note(side) : nothing}
      ${name ? html`<button type="button" class="text-button" aria-disabled=${this.busy !== ""} @click=${() => this.#ask(asked)}>${name}</button>` : nothing}
    </div>`;
  }

  /**
   * @param {Side} side
   * @param {Side|"both"} asked
   * @returns {string} what the button of that side is called; empty: there is none
   */
  #offer(side, asked) {
    if (this.busy === asked) return "Loading…";
    if (this.problem?.side === asked) return this.problem.again ? "Try again" : "";
    if (!this.#edges || this.#edge(side).shown >= CONTEXT_MOST) return "";
    if (!this.#edge(side).end) return `More ${side}`;
    return side === "after" ? "Look again" : "";
  }

  /** @param {Side} side */
  #note(side) {
    const { shown, end } = this.#edge(side);
    if (shown >= CONTEXT_MOST) return html`<p>${count(CONTEXT_MOST)} lines ${side} it are shown; that is the most.</p>`;
    if (!end) return nothing;
    if (side === "after") return html`<p>The newest line, so far.</p>`;
    return html`<p>${shown ? `${plural(shown, "line")} before it: the log begins here.` : "The log begins with it."}</p>`;
  }
}

customElements.define("line-context", LineContext);
