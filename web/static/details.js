/**
 * `<line-details>`: one line whole, in a dialog: its text wrapped (JSON set out), its stamps, where it stands, and on
 * demand (button, `c`) the lines around it, until it is closed.
 *
 * Properties: `utc`, the clock of the lines around; `link`, makes one to a position. Method: `show(row)`. Event
 * `reveal`: the whole view is wanted with what is hidden, for the reason in its detail.
 */

import "./context.js";
import "./reveal.js";
import { around, Refused, whoami, words } from "./api.js";
import { palette } from "./colour.js";
import * as icons from "./icons.js";
import { keysOn } from "./keys.js";
import { hiddenKinds, neutral, setLines, setText } from "./text.js";
import { html, LitElement, nothing } from "./vendor/lit.js";
import { fullStamp, size } from "./words.js";

/** @typedef {import("./types.js").LineRecord} LineRecord */
/** @typedef {import("./reveal.js").Wish} Wish */

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

/**
 * @param {string} position
 * @param {string} reason
 * @returns {Promise<LineRecord>} the line with its secrets
 * @throws {import("./api.js").Refused | TypeError}
 */
async function line(position, reason) {
  const { lines, failed } = await around(position, { before: 0, after: 0 }, undefined, reason);
  const found = lines.find((each) => each.position === position);
  if (!found) throw new Refused(0, failed[0]?.detail ?? "the answer does not hold the line", []);
  return found;
}

export class LineDetails extends LitElement {
  /** @override */
  static properties = {
    utc: { type: Boolean },
    row: { state: true },
    context: { state: true },
    copied: { state: true },
    reveals: { state: true },
    revealed: { state: true },
    problem: { state: true },
  };

  constructor() {
    super();
    this.utc = false;
    this.context = false;
    /** @type {(position: string) => string} */
    this.link = (position) => position;
    /** The link, shown once it was asked for. */
    this.copied = "";
    /** Whether the reader may see hidden text somewhere. */
    this.reveals = false;
    /** The line with its secrets, once it was asked for, and why. @type {{record: LineRecord, reason: string}|null} */
    this.revealed = null;
    /** Why they are not shown; empty: nobody asked, or nothing is wrong. */
    this.problem = "";
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
    this.#forget();
    await this.updateComplete;
    if (!this.#dialog.open) this.#dialog.showModal();
    if (row.record.redacted) this.reveals = (await whoami().catch(() => null))?.reveals ?? false;
  }

  /** What is shown of the row: the line as it came, or with its secrets. @returns {LineRecord|undefined} */
  get #record() {
    return this.revealed?.record ?? this.row?.record;
  }

  #forget() {
    this.revealed = null;
    this.problem = "";
  }

  #ask() {
    /** @type {import("./reveal.js").RevealDialog} */ (this.querySelector("reveal-dialog")).show();
  }

  /** @param {Wish} wish */
  #reveal({ reason, view }) {
    if (!view) return this.#revealLine(reason);
    this.#dialog.close();
    return this.dispatchEvent(new CustomEvent("reveal", { detail: reason }));
  }

  /** @param {string} reason */
  async #revealLine(reason) {
    const { row } = this;
    if (!row) return;
    this.#forget();
    const found = await line(row.record.position, reason).catch(words);
    if (this.row !== row || !this.#dialog.open) return;
    if (typeof found === "string") this.problem = found;
    else this.revealed = { record: found, reason };
  }

  /** On the window: a click on the dialog's text leaves the focus on the body. @param {KeyboardEvent} event */
  #press = (event) => {
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.repeat;
    if (event.key === "c" && plain && this.#dialog.open && keysOn()) this.context = !this.context;
  };

  /** Browsers give pages without TLS no clipboard: there, the text is selected for the reader to copy. */
  #copy() {
    const whole = this.querySelector(".whole");
    if (!whole || !this.#record) return;
    if (navigator.clipboard) navigator.clipboard.writeText(neutral(this.#record.text));
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
    const record = this.#record;
    if (!record || !text) return;
    const pretty = indented(record.text);
    if (pretty) setLines(text, pretty, record);
    else setText(text, record.text, record);
  }

  /** @override */
  render() {
    return html`<dialog class="dialog details" aria-label="Line" closedby="any"
      @close=${() => this.#closed()}>${this.row ? this.#line(this.row) : nothing}</dialog>
      <reveal-dialog @reveal=${(/** @type {CustomEvent<Wish>} */ event) => this.#reveal(event.detail)}></reveal-dialog>`;
  }

  /** Nothing of the line stays in the page. */
  #closed() {
    if (this.#dialog.open) return;
    this.context = false;
    this.row = null;
    this.#forget();
  }

  /** What is hidden in it, and the way to see it for who may. @param {LineRecord} record */
  #hidden(record) {
    if (!record.redacted) return nothing;
    if (this.revealed) return html`<dt>Hidden</dt><dd role="status">shown, on record: <q>${this.revealed.reason}</q></dd>`;
    const show = this.reveals ? html` <button type="button" class="text-button" @click=${() => this.#ask()}>Show…</button>` : nothing;
    const problem = this.problem ? html`<p class="wrong" role="alert">Not shown: ${this.problem}</p>` : nothing;
    return html`<dt>Hidden</dt><dd>${hiddenKinds(record.text)}${show}${problem}</dd>`;
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
        ${this.#hidden(record)}
      </dl>
      <pre class="whole" tabindex="0" aria-label="Text"></pre>
      ${this.context ? html`<line-context .line=${record} ?utc=${this.utc}></line-context>` : nothing}`;
  }
}

customElements.define("line-details", LineDetails);
