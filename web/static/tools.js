/**
 * `<tool-bar>`: the switches of the view at the right of the bar.
 *
 * Properties: `paused`, `past` (nothing to pause), `wrap`, `utc`, `filters` (whether the narrow screen's second row is open).
 * Event: `tool` (detail: the name of one of the page's actions).
 */

import * as icons from "./icons.js";
import { html, LitElement } from "./vendor/lit.js";

export class ToolBar extends LitElement {
  /** @override */
  static properties = {
    paused: { type: Boolean },
    past: { type: Boolean },
    wrap: { type: Boolean },
    utc: { type: Boolean },
    filters: { type: Boolean },
  };

  constructor() {
    super();
    this.paused = this.past = this.wrap = this.utc = this.filters = false;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @param {keyof import("./keys.js").Actions} name */
  #send(name) {
    this.dispatchEvent(new CustomEvent("tool", { detail: name }));
  }

  /** @override */
  render() {
    return html`<button type="button" class="icon-button sliders" aria-label="More filters" aria-expanded=${this.filters}
        @click=${() => this.#send("filters")}>${icons.sliders}</button>
      <button type="button" class="button pause" ?hidden=${this.past} aria-pressed=${this.paused} title="Pause, go on (space)"
        @click=${() => this.#send("pause")}>${this.paused ? icons.play : icons.pause}<span>${this.paused ? "Go on" : "Pause"}</span></button>
      ${this.#toggle("wrap", this.wrap, "Wrap long lines", "w", icons.wrap)}
      <button type="button" class="icon-button zone ${this.utc ? "on" : ""}" title="Local time or UTC (t)"
        aria-label=${this.utc ? "UTC, change to local time" : "local time, change to UTC"}
        @click=${() => this.#send("time")}>${icons.clock}<span>${this.utc ? "UTC" : "local"}</span></button>
      <button type="button" class="icon-button theme" aria-label="Light or dark" title="Light or dark"
        @click=${() => this.#send("theme")}>${icons.theme}</button>
      <button type="button" class="icon-button" aria-label="Help" title="Help (?)" @click=${() => this.#send("help")}>${icons.help}</button>`;
  }

  /**
   * @param {keyof import("./keys.js").Actions} name
   * @param {boolean} on
   * @param {string} label
   * @param {string} key
   * @param {unknown} icon
   */
  #toggle(name, on, label, key, icon) {
    return html`<button type="button" class="icon-button" aria-pressed=${on} aria-label=${label} title="${label} (${key})"
      @click=${() => this.#send(name)}>${icon}</button>`;
  }
}

customElements.define("tool-bar", ToolBar);
