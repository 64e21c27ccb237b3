/** Errors of each host over the last minute, so that the bad one stands out at the side. */

import { ERRORS_S } from "./limits.js";

/** @typedef {import("./types.js").LineRecord} LineRecord */

/**
 * @param {LineRecord} record
 * @returns {boolean} whether it is an error of its own; the lines of one stack trace are one
 */
export function isError({ level, record, position }) {
  return (level === "error" || level === "critical") && (record === undefined || record === position);
}

export class Errors {
  /** What was said last. @type {Map<string, number>} */
  #said = new Map();
  /** One a second, used again and again: the second it counts, and its errors by host. */
  #slots = Array.from({ length: ERRORS_S }, () => ({ second: -Infinity, counts: new Map() }));

  clear() {
    for (const slot of this.#slots) slot.second = -Infinity;
  }

  /**
   * @param {string} host
   * @param {number} at ms since the epoch; what is older than the time that is counted is left out
   */
  add(host, at) {
    const second = Math.floor(at / 1000);
    const slot = this.#slots.at(second % ERRORS_S);
    if (!slot || slot.second > second) return;
    if (slot.second < second) {
      slot.second = second;
      slot.counts = new Map();
    }
    slot.counts.set(host, (slot.counts.get(host) ?? 0) + 1);
  }

  /**
   * @param {number} now ms since the epoch
   * @returns {Map<string, number>} of the hosts that had any; the same object as long as nothing changes
   */
  counts(now) {
    const since = Math.floor(now / 1000) - ERRORS_S;
    /** @type {Map<string, number>} */
    const sums = new Map();
    for (const { second, counts } of this.#slots) {
      if (second <= since) continue;
      for (const [host, n] of counts) sums.set(host, (sums.get(host) ?? 0) + n);
    }
    const same = sums.size === this.#said.size && [...sums].every(([host, n]) => this.#said.get(host) === n);
    if (!same) this.#said = sums;
    return this.#said;
  }
}
