/**
 * `<range-picker>`: what time is looked at: live, a while back from now, or from–to as people type it.
 *
 * Properties: `view` (View), `utc`.
 * Events: `range-change` (detail: `{since, until, at}`); `zone-change` asks for the other clock. Method: `open()`.
 */

import * as icons from "./icons.js";
import { PRESETS, rangeWords } from "./range.js";
import { html, LitElement, nothing } from "./vendor/lit.js";
import { when } from "./when.js";
import { stamp } from "./words.js";

/** @typedef {"since"|"until"} Field */

/** CSS px between the button and what it opens, and between that and the edge of the window. */
const APART_PX = 6;
const HINT = "10:30, yesterday 9pm, -2h, 2026-11-23 10:30";

export class RangePicker extends LitElement {
  /** @override */
  static properties = {
    view: { attribute: false },
    utc: { type: Boolean },
    typed: { state: true },
    wrong: { state: true },
  };

  constructor() {
    super();
    /** @type {import("./types.js").View} */
    this.view = { hosts: "", source: [], grep: [], exclude: [], level: "", since: "", until: "", at: "" };
    this.utc = false;
    /** What stands in the fields. @type {Record<Field, string>} */
    this.typed = { since: "", until: "" };
    /** @type {{field: Field, words: string}|null} */
    this.wrong = null;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  get #box() {
    return /** @type {HTMLElement} */ (this.querySelector("[popover]"));
  }

  open() {
    this.#box.togglePopover();
  }

  /** @param {ToggleEvent} event */
  #toggled(event) {
    if (event.newState !== "open") return;
    this.wrong = null;
    this.typed = { since: this.#shown(this.view.since), until: this.#shown(this.view.until) };
    const button = /** @type {HTMLElement} */ (this.querySelector(".range-button")).getBoundingClientRect();
    const right = Math.max(APART_PX, innerWidth - button.right);
    this.#box.style.top = `${button.bottom + APART_PX}px`;
    this.#box.style.right = `${Math.min(right, Math.max(APART_PX, innerWidth - this.#box.offsetWidth - APART_PX))}px`;
    /** @type {HTMLElement|null} */ (this.#box.querySelector("[aria-pressed='true']") ?? this.#box.querySelector("button"))?.focus();
  }

  /** @param {string} text of the URL @returns {string} as it would be typed */
  #shown(text) {
    const moment = text && !text.startsWith("-") ? when(text, Date.now(), this.utc) : null;
    if (!moment) return text;
    const { day, clock } = stamp(moment.ms, this.utc);
    return `${day} ${clock.replace(/\.000$/, "")}`;
  }

  /** @param {string} since @param {string} [until] */
  #send(since, until = "") {
    this.#box.hidePopover();
    this.dispatchEvent(new CustomEvent("range-change", { detail: { since, until, at: "" } }));
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const [since, until] = [this.#read("since"), this.#read("until")];
    this.wrong = this.#fault(since, until);
    if (this.wrong) /** @type {HTMLElement|null} */ (this.querySelector(`[name=${this.wrong.field}]`))?.focus();
    else if (since && until) this.#send(since.text, until.text);
  }

  /** @param {Field} field */
  #read(field) {
    return when(this.typed[field], Date.now(), this.utc, field === "until");
  }

  /**
   * @param {import("./when.js").Moment|null} since
   * @param {import("./when.js").Moment|null} until
   * @returns {{field: Field, words: string}|null}
   */
  #fault(since, until) {
    if (!since) return { field: "since", words: `Not a time. Try ${HINT}.` };
    if (!since.text) return { field: "since", words: `From when? ${HINT}.` };
    if (!until) return { field: "until", words: `Not a time. Try ${HINT}, or leave it empty for now.` };
    return until.ms <= since.ms ? { field: "until", words: "This is not after the beginning." } : null;
  }

  /** @override */
  render() {
    const { since, until, at } = this.view;
    const words = at ? { long: "Around a line", short: "A line" } : rangeWords({ since, until }, this.utc, Date.now());
    const live = !since && !at;
    return html`<button type="button" class="button range-button ${live ? "live" : "set"}" popovertarget="range" title="Time (r)"
        aria-label="Time: ${words.long}"><span class="wide">${words.long}</span><span class="narrow">${words.short}</span>${icons.chevron}</button>
      <div id="range" class="range" popover aria-label="Time" role="dialog" @toggle=${this.#toggled}>
        <div class="presets">
          ${this.#preset("Live", "", live)}
          ${PRESETS.map(({ since: back, words: name }) => this.#preset(name, back, !at && !until && since === back))}
        </div>
        <form @submit=${this.#submit} novalidate>
          ${this.#field("since", "From", "e.g. 10:30, yesterday 9pm, -2h")} ${this.#field("until", "To", "now")}
          <div class="last">
            <button type="button" class="text-button" @click=${() => this.dispatchEvent(new CustomEvent("zone-change"))}>${zone(this.utc)}</button>
            <button type="submit" class="button primary">Show</button>
          </div>
        </form>
      </div>`;
  }

  /** @param {string} name @param {string} since @param {boolean} on */
  #preset(name, since, on) {
    return html`<button type="button" class="preset" aria-pressed=${on} @click=${() => this.#send(since)}>${name}</button>`;
  }

  /** @param {Field} field @param {string} name @param {string} hint */
  #field(field, name, hint) {
    const wrong = this.wrong?.field === field ? this.wrong : null;
    return html`<label class=${wrong ? "wrong" : ""}><span>${name}</span>
        <input name=${field} placeholder=${hint} .value=${this.typed[field]} spellcheck="false" autocomplete="off" autocapitalize="off"
          aria-invalid=${wrong !== null} aria-describedby="${field}-means"
          @input=${(/** @type {Event} */ event) => this.#types(field, /** @type {HTMLInputElement} */ (event.target).value)} /></label>
      <p class="means ${wrong ? "wrong" : ""}" id="${field}-means" aria-live="polite">${wrong ? wrong.words : this.#means(field)}</p>`;
  }

  /** @param {Field} field @param {string} text */
  #types(field, text) {
    this.typed = { ...this.typed, [field]: text };
    this.wrong = null;
  }

  /** What was understood. @param {Field} field */
  #means(field) {
    const moment = this.typed[field].trim() ? this.#read(field) : null;
    if (!moment) return nothing;
    const { day, clock } = stamp(moment.ms, this.utc);
    return `${day} ${clock.replace(/\.000$/, "")} ${this.utc ? "UTC" : ""}`;
  }
}

/** @param {boolean} utc */
function zone(utc) {
  return utc ? "Times are UTC" : `Times are ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
}

customElements.define("range-picker", RangePicker);
