/**
 * `<status-line>`: what the connection does and what the page holds.
 *
 * Properties: `connection` (Connection), `held`, `dropped`, `rate` (lines a second), `waiting` (records held back by
 * a pause).
 */

import { html, LitElement, nothing } from "./vendor/lit.js";
import { count, plural } from "./words.js";

/**
 * @typedef {object} Connection
 * @property {"connecting"|"live"|"lost"|"refused"|"ended"|"off"|"past"|"gone"} state
 * @property {string} words
 */

/** @type {Record<Connection["state"], string>} */
const STATES = {
  connecting: "Connecting…",
  live: "Live",
  lost: "Reconnecting",
  refused: "Refused",
  ended: "Ended",
  off: "Off",
  past: "Past",
  gone: "Gone",
};

export class StatusLine extends LitElement {
  /** @override */
  static properties = {
    connection: { attribute: false },
    held: { type: Number },
    dropped: { type: Number },
    rate: { type: Number },
    waiting: { type: Number },
    paused: { type: Boolean },
  };

  constructor() {
    super();
    /** @type {Connection} */
    this.connection = { state: "connecting", words: "" };
    this.held = this.dropped = this.rate = this.waiting = 0;
    this.paused = false;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @override */
  render() {
    const { state, words } = this.connection;
    const paused = this.paused && state === "live";
    return html`<span class="link ${paused ? "paused" : state}" role="status">${paused ? "Paused" : STATES[state]}</span>
      ${words ? html`<span class="why">${words}</span>` : nothing}
      ${this.paused && this.waiting ? html`<span>${plural(this.waiting, "record")} wait</span>` : nothing}
      <span class="figures">
        ${state === "past" ? nothing : html`<span>${this.rate ? `${count(this.rate)} lines/s` : "quiet"}</span>`}
        <span title=${this.dropped ? `${plural(this.dropped, "older line")} no longer held` : nothing}>
          ${plural(this.held, "line")}${this.dropped ? " (oldest dropped)" : ""}</span>
      </span>`;
  }
}

customElements.define("status-line", StatusLine);
