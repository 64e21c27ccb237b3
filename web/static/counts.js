/** The counts of a range over time: an estimate within a second, then the exact ones when the lines are there. */

import { words } from "./api.js";
import { histogram } from "./history.js";

/** @typedef {import("./types.js").Histogram} Histogram */

export class Counts {
  /** @type {Histogram|null} */
  data = null;
  /** Whether better ones are on their way. */
  busy = false;
  /** Why there are none, or no better ones; empty: nothing is wrong. */
  problem = "";
  #stop = new AbortController();
  #changed;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  clear() {
    this.#stop.abort();
    this.data = null;
    this.busy = false;
    this.problem = "";
  }

  /**
   * @param {import("./history.js").Question} question
   * @param {number} buckets
   * @param {Promise<unknown>} lines that the reader waits for first: the exact counts read as much as they do
   */
  async load(question, buckets, lines) {
    this.#stop.abort();
    const stop = (this.#stop = new AbortController());
    this.busy = true;
    this.problem = "";
    try {
      const estimate = await histogram(question, { buckets, exact: false }, stop.signal);
      if (!stop.signal.aborted) this.#take(estimate);
      if (!estimate.exact) {
        await lines;
        if (stop.signal.aborted) return;
        const exact = await histogram(question, { buckets, exact: true }, stop.signal);
        if (!stop.signal.aborted) this.#take(exact);
      }
    } catch (error) {
      if (!stop.signal.aborted) this.problem = words(error);
    }
    if (stop.signal.aborted) return;
    this.busy = false;
    this.#changed();
  }

  stop() {
    if (this.busy) this.problem = "stopped";
    this.busy = false;
    this.#stop.abort();
  }

  /** @param {Histogram} data */
  #take(data) {
    this.data = data;
    this.#changed();
  }
}
