/**
 * `<past-status>`: over the lines while the past is read: how far each host is, and a way to stop; and what went wrong.
 *
 * Properties: `busy`, `reading` (Reading or null; `stamp` counts up with its news), `problem`, `failed` (Failure[]),
 * `notes` (Note[]), `halted` (it can go on).
 * Events: `stop`, `again`, `allow` (detail: bytes that each host may read), `reload`.
 */

import * as icons from "./icons.js";
import { neutral } from "./text.js";
import { html, LitElement, nothing } from "./vendor/lit.js";
import { plural, size } from "./words.js";

/** @typedef {import("./types.js").Failure} Failure */

/** Stages that their own word does not tell. @type {Record<string, string>} */
const STAGES = { "waiting-turn": "waiting: another search has its turn there" };

export class PastStatus extends LitElement {
  /** @override */
  static properties = {
    busy: { type: Boolean },
    reading: { attribute: false },
    stamp: { type: Number },
    problem: { type: String },
    failed: { attribute: false },
    notes: { attribute: false },
    halted: { type: Boolean },
  };

  constructor() {
    super();
    this.busy = this.halted = false;
    /** @type {import("./reading.js").Reading|null} */
    this.reading = null;
    this.stamp = 0;
    this.problem = "";
    /** @type {Failure[]} */
    this.failed = [];
    /** @type {import("./types.js").Note[]} */
    this.notes = [];
    /** How many notes the reader has put away. */
    this.noted = 0;
    /** Failures that the reader has put away. @type {Failure[]|null} */
    this.away = null;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @param {"stop"|"again"|"allow"|"reload"} name @param {unknown} [detail] */
  #send(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @override */
  render() {
    return html`<div class="past-status">${this.busy ? this.#progress() : nothing} ${this.busy ? nothing : html`${this.#trouble()} ${this.#notes()}`}</div>`;
  }

  #progress() {
    const { reading } = this;
    const hosts = [...(reading?.hosts.values() ?? [])];
    return html`<div class="pill-box reading">
      <details ?hidden=${!hosts.length}>
        <summary><span role="status">Reading${hosts.length ? ` ${reading?.words}` : "…"}</span></summary>
        <ul>${hosts.map((host) => this.#host(host))}</ul>
      </details>
      ${hosts.length ? nothing : html`<span class="alone" role="status">Reading…</span>`}
      <button type="button" class="text-button" @click=${() => this.#send("stop")}>Stop</button>
    </div>`;
  }

  /** @param {import("./types.js").ProgressRecord} record */
  #host({ host, stage, scanned, to_scan, matches }) {
    const of = to_scan === null || to_scan === undefined ? "" : ` of ${size(to_scan)}`;
    return html`<li><span class="name">${host}</span>
      <span>${STAGES[stage] ?? stage}</span><span>${scanned || to_scan ? `${size(scanned)}${of}` : ""}</span><span>${matches || scanned ? plural(matches, "match").replace(/matchs$/, "matches") : ""}</span></li>`;
  }

  #trouble() {
    const shown = this.away === this.failed ? [] : this.failed;
    const asked = shown.filter(({ to_scan }) => to_scan);
    const broken = shown.filter(({ to_scan }) => !to_scan);
    if (!this.problem && !shown.length) return nothing;
    return html`<div class="pill-box alarm" role="alert">
      ${icons.warning}
      <div class="words">
        ${this.problem ? html`<p>${neutral(this.problem)}.</p>` : nothing}
        ${broken.map(({ host, detail }) => html`<p><b>${host}</b> was not read: ${neutral(detail)}</p>`)}
        ${asked.length ? html`<p>${this.#question(asked)}</p>` : nothing}
      </div>
      ${this.halted ? this.#button("Go on", "again") : nothing}
      ${asked.length ? this.#button("Read it all", "allow", Math.max(...asked.map(({ to_scan }) => to_scan ?? 0))) : nothing}
      ${broken.length ? this.#button("Try again", "reload") : nothing}
      ${shown.length ? html`<button type="button" class="icon-button" aria-label="Put away" @click=${() => this.#putAway()}>${icons.close}</button>` : nothing}
    </div>`;
  }

  #notes() {
    const { notes } = this;
    if (this.noted >= notes.length) return nothing;
    return html`<div class="pill-box">
      <details>
        <summary><span role="status">${plural(notes.length, "note")} on how it was read</span></summary>
        <div class="words">${notes.map(({ host, detail }) => html`<p><b>${host}</b>: ${neutral(detail)}</p>`)}</div>
      </details>
      <button type="button" class="icon-button" aria-label="Put the notes away" @click=${() => this.#putNotesAway()}>${icons.close}</button>
    </div>`;
  }

  #putNotesAway() {
    this.noted = this.notes.length;
    this.requestUpdate();
  }

  /** @param {Failure[]} asked hosts that would read more than is allowed unasked */
  #question(asked) {
    const bytes = asked.reduce((sum, { to_scan }) => sum + (to_scan ?? 0), 0);
    const names = asked.length > 4 ? plural(asked.length, "host") : asked.map(({ host }) => host).join(", ");
    return `Nothing of ${names} was read: it would be ${size(bytes)}. Narrow the time or the filters, or read it all.`;
  }

  /** @param {string} words @param {"again"|"allow"|"reload"} name @param {unknown} [detail] */
  #button(words, name, detail) {
    return html`<button type="button" class="text-button" @click=${() => this.#send(name, detail)}>${words}</button>`;
  }

  #putAway() {
    this.away = this.failed;
    this.requestUpdate();
  }
}

customElements.define("past-status", PastStatus);
