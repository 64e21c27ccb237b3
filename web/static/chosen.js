/** Which hosts a selector turns on: the same object as long as neither changes, so that nothing is drawn anew. */

import { evaluate } from "./selector.js";

/** @typedef {import("./types.js").HostInfo} HostInfo */

export class Chosen {
  #selector = "";
  /** @type {HostInfo[]} */
  #hosts = [];
  /** @type {Set<string>} */
  #on = new Set();

  /**
   * @param {string} selector empty: all
   * @param {HostInfo[]} hosts
   * @returns {Set<string>} names
   */
  of(selector, hosts) {
    if (selector !== this.#selector || hosts !== this.#hosts) this.#on = evaluate(selector || "@*", hosts);
    [this.#selector, this.#hosts] = [selector, hosts];
    return this.#on;
  }
}
