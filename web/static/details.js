/**
 * `<line-details>`: one line whole, in a dialog: its text wrapped (JSON set out), its stamps, where it stands, and on
 * demand (button, `c`) the lines around it, until it is closed.
 *
 * Properties: `utc`, the clock of the lines around; `link`, makes one to a position. Method: `show(row)`.
 */

import "./context.js";
import { palette } from "./colour.js";
import * as icons from "./icons.js";
import { keysOn } from "./keys.js";
import { neutral, setLines, setText } from "./text.js";
import { html, LitElement, nothing } from "./vendor/lit.js";
import { fullStamp, size } from "./words.js";

/** Characters of JSON that are set out; more would be slow and nobody reads it. */
const MOST_JSON = 20_000;

/**
 * @param {string} text
 * @returns {string|null} the same JSON object or list, indented; null: it is none
 */
function indented(text) {
  if (text.length > MOST_JSON || !/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export class LineDetails extends LitElement {
  /** @override */
  static properties = { utc: { type: Boolean }, row: { state: true }, context: { state: true }, copied: { state: true } };

  constructor() {
    super();
    this.utc = false;
    this.context = false;
    /** @type {(position: string) => string} */
    this.link = (position) => position;
    /** The link, shown once it was asked for. */
    this.copied = "";
    /** @type {import("./types.js").LineRow|null} */
    this.row = null;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    window.addEventListener("keydown", this.#press);
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    window.removeEventListener("keydown", this.#press);
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** @param {import("./types.js").LineRow} row */
  async show(row) {
    this.row = row;
    this.copied = "";
    await this.updateComplete;
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** On the window: a click on the dialog's text leaves the focus on the body. @param {KeyboardEvent} event */
  #press = (event) => {
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.repeat;
    if (event.key === "c" && plain && this.#dialog.open && keysOn()) this.context = !this.context;
  };

  /** Browsers give pages without TLS no clipboard: there, the text is selected for the reader to copy. */
  #copy() {
    const whole = this.querySelector(".whole");
    if (!whole || !this.row) return;
    if (navigator.clipboard) navigator.clipboard.writeText(neutral(this.row.record.text));
    else getSelection()?.selectAllChildren(whole);
  }

  /** Shown too, for browsers that give no clipboard. @param {string} position */
  async #copyLink(position) {
    this.copied = this.link(position);
    if (navigator.clipboard) navigator.clipboard.writeText(this.copied);
    await this.updateComplete;
    /** @type {HTMLInputElement|null} */ (this.querySelector(".permalink"))?.select();
  }

  /** @override */
  updated() {
    const text = /** @type {HTMLElement|null} */ (this.querySelector(".whole"));
    if (!this.row || !text) return;
    const { record } = this.row;
    const pretty = indented(record.text);
    if (pretty) setLines(text, pretty, record);
    else setText(text, record.text, record);
  }

  /** @override */
  render() {
    return html`<dialog class="dialog details" aria-label="Line" closedby="any"
      @close=${() => (this.context = false)}>${this.row ? this.#line(this.row) : nothing}</dialog>`;
  }

  /** @param {import("./types.js").LineRow} row */
  #line(row) {
    const { record } = row;
    return html`<header>
        <h2 class="host ${palette.of(record.host)}">${record.host}</h2>
        <button type="button" class="text-button" aria-expanded=${this.context} title="Lines around it (c)"
          @click=${() => (this.context = !this.context)}>${this.context ? "Hide" : "Show"} context</button>
        <button type="button" class="text-button" @click=${() => this.#copyLink(record.position)}>Copy link</button>
        <button type="button" class="text-button" @click=${() => this.#copy()}>Copy text</button>
        <button type="button" class="icon-button" aria-label="Close" @click=${() => this.#dialog.close()}>${icons.close}</button>
      </header>
      ${this.copied ? html`<input class="permalink" readonly aria-label="Link to this line" .value=${this.copied} />` : nothing}
      <dl>
        <dt>Time</dt><dd>${fullStamp(row.time)}${record.stamped === false ? "\nno stamp of its own: when it was read" : ""}</dd>
        ${record.level ? html`<dt>Level</dt><dd>${record.level}</dd>` : nothing}
        <dt>Log</dt><dd>${record.source}: ${neutral(record.path)}</dd>
        ${record.clipped ? html`<dt>Clipped</dt><dd>${record.length ? `${size(record.length)} whole` : "longer than shown"}</dd>` : nothing}
      </dl>
      <pre class="whole" tabindex="0" aria-label="Text"></pre>
      ${this.context ? html`<line-context .line=${record} ?utc=${this.utc}></line-context>` : nothing}`;
  }
}

customElements.define("line-details", LineDetails);
