/**
 * `<reveal-dialog>`: asks why hidden text is needed, and how much of it. Event `reveal`: the reason, and whether for
 * the whole view, as detail. Method: `show()`.
 */

import * as icons from "./icons.js";
import { REASON_CHARACTERS } from "./limits.js";
import { html, LitElement } from "./vendor/lit.js";

/** @typedef {{reason: string, view: boolean}} Wish */

export class RevealDialog extends LitElement {
  /** @override */
  createRenderRoot() {
    return this;
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  get #form() {
    return /** @type {HTMLFormElement} */ (this.querySelector("form"));
  }

  show() {
    this.#form.reset();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** @param {boolean} view all of it, not the line alone */
  #reveal(view) {
    const reason = /** @type {HTMLInputElement} */ (this.querySelector("input"));
    reason.value = reason.value.trim();
    if (!this.#form.reportValidity()) return;
    this.#dialog.close();
    this.dispatchEvent(new CustomEvent("reveal", { detail: { reason: reason.value, view } }));
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    this.#reveal(false);
  }

  /** @override */
  render() {
    return html`<dialog class="dialog reveal" aria-labelledby="reveal-title" closedby="any">
      <form @submit=${this.#submit}>
        <header>
          <h2 id="reveal-title">Show hidden text</h2>
          <button type="button" class="icon-button" aria-label="Close" @click=${() => this.#dialog.close()}>${icons.close}</button>
        </header>
        <p>What is hidden is read again as it was written: passwords, keys, card numbers. Your name, your reason and what
          you see are written to the audit log first.</p>
        <label for="reveal-reason">Reason</label>
        <input id="reveal-reason" maxlength=${REASON_CHARACTERS} required autofocus autocomplete="off"
          placeholder="INC-1234: which key was used" />
        <footer>
          <button type="button" class="button" @click=${() => this.#dialog.close()}>Cancel</button>
          <button type="button" class="button" @click=${() => this.#reveal(true)}>Show the whole view</button>
          <button class="button primary">Show this line</button>
        </footer>
      </form>
    </dialog>`;
  }
}

customElements.define("reveal-dialog", RevealDialog);
