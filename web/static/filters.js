/**
 * `<filter-bar>`: what is asked of the server: source, patterns, level.
 *
 * Properties: `view` (View), `sources` (SourceInfo[]), `faults` (Fault[], shown at their fields), `open` (narrow
 * screens: whether the second row is shown).
 * Event: `filter-change` (detail: the changed part of the View), a moment after the last key or at once on Enter.
 * Method: `focus()` puts the cursor into the pattern.
 */

import * as icons from "./icons.js";
import { TYPING_MS } from "./limits.js";
import { html, LitElement, live, noChange, nothing } from "./vendor/lit.js";

/** @typedef {import("./types.js").Fault} Fault */
/** @typedef {"grep"|"exclude"} Field */

const LEVELS = ["trace", "debug", "info", "notice", "warning", "error", "critical"];

/** @type {Record<Field, {label: string, hint: string}>} */
const FIELDS = {
  grep: { label: "Pattern: show lines that match", hint: "Show lines that match…" },
  exclude: { label: "Exclude: hide lines that match", hint: "Hide lines that match…" },
};

export class FilterBar extends LitElement {
  /** @override */
  static properties = {
    view: { attribute: false },
    sources: { attribute: false },
    faults: { attribute: false },
    open: { type: Boolean },
    extra: { state: true },
  };

  constructor() {
    super();
    /** @type {import("./types.js").View} */
    this.view = { hosts: "", source: [], grep: [], exclude: [], level: "", since: "", until: "", at: "" };
    /** @type {import("./types.js").SourceInfo[]} */
    this.sources = [];
    /** @type {Fault[]} */
    this.faults = [];
    this.open = false;
    /** Empty fields that were asked for. @type {Record<Field, number>} */
    this.extra = { grep: 0, exclude: 0 };
    /** The timer of what was typed and not sent yet. */
    this.typing = 0;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @override */
  focus() {
    const field = /** @type {HTMLInputElement|null} */ (this.querySelector(".grep input"));
    field?.focus();
    field?.select();
  }

  /** @param {Partial<import("./types.js").View>} change */
  #send(change) {
    this.#typed();
    this.dispatchEvent(new CustomEvent("filter-change", { detail: change }));
  }

  /** @param {Field} field */
  #sendPatterns(field) {
    this.#typed();
    const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (this.querySelectorAll(`.${field} input`));
    const patterns = [...inputs].map(({ value }) => value).filter(Boolean);
    this.extra = { ...this.extra, [field]: 0 };
    if (patterns.join("\n") !== this.view[field].join("\n")) this.#send({ [field]: patterns });
  }

  /** @param {Field} field */
  #types(field) {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#sendPatterns(field), TYPING_MS);
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = 0;
  }

  /** @override */
  render() {
    return html`<form class="filters ${this.open ? "open" : ""}" role="search" aria-label="Filters"
      @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
      ${this.#patterns("grep")}
      <div class="more">${this.#patterns("exclude")} ${this.#level()} ${this.#source()}</div>
    </form>`;
  }

  /** @param {Field} field */
  #patterns(field) {
    const faults = this.faults.filter(({ parameter }) => parameter === field);
    const patterns = this.view[field];
    const shown = [...patterns, ...Array(Math.max(this.extra[field], patterns.length ? 0 : 1)).fill("")];
    return html`<div class="patterns ${field} ${faults.length ? "wrong" : ""}">
      ${shown.map((pattern, i) => this.#pattern(field, pattern, i, faults.length > 0))}
      ${patterns.length && !this.extra[field]
        ? html`<button type="button" class="icon-button add" title=${field === "grep" ? "And another pattern" : "Hide more"}
            aria-label=${field === "grep" ? "Add a pattern" : "Add an exclusion"} @click=${() => this.#add(field)}>${icons.plus}</button>`
        : nothing}
      ${faults.length ? this.#wrong(field, faults) : nothing}
    </div>`;
  }

  /**
   * @param {Field} field
   * @param {string} pattern
   * @param {number} i
   * @param {boolean} wrong
   */
  #pattern(field, pattern, i, wrong) {
    const { label, hint } = FIELDS[field];
    // News of the hosts may draw this anew at any time: what is being typed stays.
    return html`<label class="pattern">
      <input type="search" .value=${this.typing ? noChange : live(pattern)} placeholder=${hint} aria-label=${i ? `${label} (${i + 1})` : label}
        spellcheck="false" autocomplete="off" autocapitalize="off" enterkeyhint="search"
        aria-invalid=${wrong} aria-describedby=${wrong ? `${field}-fault` : nothing}
        @input=${() => this.#types(field)} @change=${() => this.#sendPatterns(field)} />
      ${field === "grep" && !i ? html`<kbd title="Press / to come here">/</kbd>` : nothing}
    </label>`;
  }

  /** @param {Field} field */
  #add(field) {
    this.extra = { ...this.extra, [field]: 1 };
    this.updateComplete.then(() => {
      const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (this.querySelectorAll(`.${field} input`));
      inputs[inputs.length - 1].focus();
    });
  }

  /**
   * @param {Field} field
   * @param {Fault[]} faults
   */
  #wrong(field, faults) {
    return html`<div class="fault" id="${field}-fault" role="alert">
      ${faults.map(({ detail, column }) => html`<p>${column ? html`<b>Column ${column}:</b> ` : nothing}${detail}</p>`)}
    </div>`;
  }

  #level() {
    return html`<label class="choice ${this.view.level ? "set" : ""}"><span>Level</span>
      <select aria-label="Level" @change=${(/** @type {Event} */ event) => this.#send({ level: chosen(event) })}>
        <option value="" .selected=${!this.view.level}>all</option>
        ${LEVELS.map((level) => html`<option value=${level} .selected=${this.view.level === level}>${level} +</option>`)}
      </select></label>`;
  }

  /** One source or all; a link may name several, which is then a choice too. */
  #source() {
    const now = this.view.source.join(", ");
    const names = this.sources.map(({ name }) => name);
    if (now && !names.includes(now)) names.push(now);
    const pick = (/** @type {string} */ name) => (name === now ? this.view.source : name ? [name] : []);
    return html`<label class="choice ${now ? "set" : ""}"><span>Source</span>
      <select aria-label="Source" @change=${(/** @type {Event} */ event) => this.#send({ source: pick(chosen(event)) })}>
        <option value="" .selected=${!now}>all</option>
        ${names.map((name) => html`<option value=${name} .selected=${now === name}>${name}</option>`)}
      </select></label>`;
  }
}

/** @param {Event} event of a menu */
function chosen(event) {
  return /** @type {HTMLSelectElement} */ (event.target).value;
}

customElements.define("filter-bar", FilterBar);
