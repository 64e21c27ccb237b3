/** `<help-dialog>`: the keys, and what the page means by its words. Method: `show()`. */

import * as icons from "./icons.js";
import { KEYS, keysOn, setKeysOn } from "./keys.js";
import { html, LitElement } from "./vendor/lit.js";

export class HelpDialog extends LitElement {
  /** @override */
  createRenderRoot() {
    return this;
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  show() {
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** @override */
  render() {
    return html`<dialog class="dialog help" aria-label="Help" closedby="any">
      <header>
        <h2>Help</h2>
        <button type="button" class="icon-button" aria-label="Close" @click=${() => this.#dialog.close()}>${icons.close}</button>
      </header>
      <h3>Keys</h3>
      <dl class="keys">
        ${KEYS.map(({ keys, does }) => html`<dt>${keys.map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${does}</dd>`)}
      </dl>
      <label class="setting"><input type="checkbox" .checked=${keysOn()}
        @change=${(/** @type {Event} */ event) => setKeysOn(/** @type {HTMLInputElement} */ (event.target).checked)} />
        Take single letters as keys</label>
      <h3>Words</h3>
      <dl class="terms">
        <dt>live</dt><dd>lines come as they are written</dd>
        <dt>waiting</dt><dd>refused, timed out or lost; it is tried again by itself</dd>
        <dt>failed</dt><dd>needs a person: the words below the host say what to do</dd>
        <dt>late</dt><dd>the line came more than 2 s after its place in the order, and was put there</dd>
        <dt>context</dt><dd>the lines before and after one in its own file, without the filters: from a line's details</dd>
        <dt>past</dt><dd>scroll up for it, without end, or choose a time; hosts are read where their logs lie, rotated files too</dd>
        <dt>redacted</dt><dd>a secret was taken out; a line's details say of which kind, and show it to who may see it</dd>
        <dt>clipped</dt><dd>the line is longer than 64 KiB; the rest was not sent</dd>
      </dl>
      <p class="quiet">Patterns are RE2, case-sensitive unless they begin with <code>(?i)</code>. The address of this page holds
        hosts, patterns, level and time: send it to a colleague. Every look is written to the audit log.</p>
    </dialog>`;
  }
}

customElements.define("help-dialog", HelpDialog);
