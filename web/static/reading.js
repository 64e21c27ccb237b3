/** How far the hosts are with a question about the past, and what it cost. */

import { plural, size } from "./words.js";

/** @typedef {import("./types.js").ProgressRecord} ProgressRecord */

export class Reading {
  /** The last word of each host. @type {Map<string, ProgressRecord>} */
  hosts = new Map();
  /** Bytes that were read, as the server says at the end; null: it has not ended. @type {number|null} */
  whole = null;

  /** @param {ProgressRecord} record */
  take(record) {
    this.hosts.set(record.host, record);
  }

  /** Bytes read so far. */
  get scanned() {
    return this.whole ?? this.#sum(({ scanned }) => scanned);
  }

  /** Bytes to read; null: not known of any host. */
  get toScan() {
    const known = [...this.hosts.values()].filter(({ to_scan }) => to_scan !== null);
    return known.length ? this.#sum(({ to_scan, scanned }) => to_scan ?? scanned) : null;
  }

  get matches() {
    return this.#sum(({ matches }) => matches);
  }

  /** @param {(record: ProgressRecord) => number} of */
  #sum(of) {
    return [...this.hosts.values()].reduce((sum, record) => sum + of(record), 0);
  }

  /** @returns {string} `120 MiB of 1.3 GiB on 16 hosts`; `16 hosts` before the first byte */
  get words() {
    const { scanned, toScan, hosts, whole } = this;
    const of = whole === null && toScan !== null && toScan > scanned ? ` of ${size(toScan)}` : "";
    const on = hosts.size ? plural(hosts.size, "host") : "";
    return scanned || whole !== null ? [size(scanned) + of, on].filter(Boolean).join(" on ") : on;
  }
}

/**
 * @param {import("./types.js").Note[]} notes
 * @param {import("./types.js").Note[]} more
 * @returns {import("./types.js").Note[]} each once
 */
export function joined(notes, more) {
  const known = new Set(notes.map(({ host, detail }) => `${host} ${detail}`));
  return [...notes, ...more.filter(({ host, detail }) => !known.has(`${host} ${detail}`))];
}
