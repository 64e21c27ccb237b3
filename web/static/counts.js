/** The counts of a range over time: an estimate within a second, then, when the lines are there, what is counted. */

import { words } from "./api.js";
import { counting, estimate } from "./history.js";
import { COUNT_AFTER_MS } from "./limits.js";

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
   * @param {Promise<unknown>} lines that the reader waits for first, for a while: the exact counts read as much as they do
   */
  async load(question, buckets, lines) {
    this.#stop.abort();
    const stop = (this.#stop = new AbortController());
    this.busy = true;
    this.problem = "";
    try {
      const guess = await estimate(question, buckets, stop.signal);
      if (!stop.signal.aborted) this.#take(guess);
      if (!guess.exact) {
        await Promise.race([lines, new Promise((done) => setTimeout(done, COUNT_AFTER_MS))]);
        if (stop.signal.aborted) return;
        const exact = await counting(question, buckets, (counts, total) => stop.signal.aborted || this.#grow(guess, counts, total), stop.signal);
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

  /**
   * @param {Histogram} guess
   * @param {import("./types.js").CountsRecord} counts of now
   * @param {import("./types.js").TotalRecord} [total]
   */
  #grow(guess, { buckets, until, exact }, total) {
    if (!buckets.some(({ count }) => count)) return; // the estimate says more
    const part = total?.to_scan ? Math.min(1, total.scanned / total.to_scan) : undefined;
    this.#take({ buckets, until, exact, complete: false, failed: guess.failed, guess, part });
  }

  /** @param {Histogram} data */
  #take(data) {
    this.data = data;
    this.#changed();
  }
}
