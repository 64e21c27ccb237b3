/** `<who-am-i>`: who the reader is to the server, and the way out; nothing where everybody is the same. */

import { ROOT, whoami } from "./api.js";
import * as icons from "./icons.js";
import { html, LitElement, nothing } from "./vendor/lit.js";

export class WhoAmI extends LitElement {
  /** @override */
  static properties = { me: { state: true } };

  constructor() {
    super();
    /** @type {import("./types.js").Me | null} */
    this.me = null;
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @override */
  async firstUpdated() {
    this.me = await whoami().catch(() => null);
  }

  /** @override */
  render() {
    if (this.me === null || this.me.via === "local") return nothing;
    const { name, roles, via } = this.me;
    const held = roles.length ? `Roles: ${roles.join(", ")}` : "No roles";
    return html`<form class="who" method="post" action="${ROOT}logout">
      ${icons.person}<span class="name" title=${held}><bdi>${name}</bdi></span>
      ${via === "session" ? html`<button class="text-button">Log out</button>` : nothing}
    </form>`;
  }
}

customElements.define("who-am-i", WhoAmI);
