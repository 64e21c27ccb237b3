/** A stable colour for each host: a class `c0`…`c23` whose hues css/tokens.css gives for both themes. */

export const COLOURS = 24;

/** Neighbouring slots have far hues, so that `web-1` and `web-2` look different even when they sit side by side. */
const BIG_ODD = 0x9e3779b1;

/**
 * FNV-1a, 32 bit.
 *
 * @param {string} name
 * @returns {number} 0 … COLOURS - 1, the same everywhere
 */
export function slot(name) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (Math.imul(hash, BIG_ODD) >>> 16) % COLOURS;
}

/** Gives the hosts of an inventory different colours as far as there are any; the same inventory, the same colours. */
export class Palette {
  /** @type {Map<string, number>} */
  #slots = new Map();

  /** @param {string[]} names of all hosts */
  assign(names) {
    this.#slots.clear();
    let taken = new Set();
    for (const name of [...names].sort()) {
      if (taken.size === COLOURS) taken = new Set();
      let at = slot(name);
      while (taken.has(at)) at = (at + 1) % COLOURS;
      taken.add(at);
      this.#slots.set(name, at);
    }
  }

  /**
   * @param {string} name
   * @returns {string} the class
   */
  of(name) {
    return `c${this.#slots.get(name) ?? slot(name)}`;
  }
}

/** The page has one inventory, so one palette. */
export const palette = new Palette();
