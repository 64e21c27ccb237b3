/** The hosts and sources there are and how they do, asked for again and again. */

import * as api from "./api.js";
import { POLL_MS } from "./limits.js";

/** Milliseconds after a notice before the states are asked for. */
const NEWS_MS = 400;
/** Milliseconds that a new view takes to reach its hosts, and between polls of their states in that time. */
const SETTLING_MS = 15_000;
const SETTLING_POLL_MS = 1_000;

/** @typedef {import("./types.js").HostInfo} HostInfo */
/** @typedef {import("./types.js").SourceInfo} SourceInfo */

/**
 * @typedef {object} Listener
 * @property {() => void} changed what is known of them
 * @property {(first: boolean) => void} others other hosts or sources than before are there
 * @property {(words: string) => void} unknown nothing is known of them yet, and why
 */

export class States {
  /** @type {HostInfo[]} */
  hosts = [];
  /** @type {SourceInfo[]} */
  sources = [];
  /** Whether the hosts are known. */
  loaded = false;
  #listener;
  #timer = 0;
  /** When the last view was opened, ms of `performance.now()`. */
  #openedAt = -Infinity;
  /** The hosts that it reaches. @type {Set<string>} */
  #reached = new Set();
  /** Whether there was news since they were last asked for. */
  #news = false;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  async poll() {
    clearTimeout(this.#timer);
    this.#news = false;
    try {
      const [hosts, sources] = await Promise.all([api.hosts(), api.sources()]);
      this.#arrived(hosts, sources);
    } catch (error) {
      this.#failed(error);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.poll(), this.#pause());
  }

  /** News about a host: ask soon, not with the next beat; more news does not put it off. */
  soon() {
    if (this.#news) return;
    this.#news = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.poll(), NEWS_MS);
  }

  /** A view was opened, which now reaches for its hosts. @param {Set<string>} on */
  opened(on) {
    this.#openedAt = performance.now();
    this.#reached = on;
    this.soon();
  }

  /** Milliseconds until they are asked for again: sooner while a new view is still reaching its hosts. */
  #pause() {
    if (this.#news) return NEWS_MS;
    const settling = performance.now() - this.#openedAt < SETTLING_MS;
    const unsettled = this.hosts.some(({ name, state }) => this.#reached.has(name) && (state === "idle" || state === "connecting"));
    return settling && unsettled ? SETTLING_POLL_MS : POLL_MS;
  }

  /**
   * @param {HostInfo[]} hosts
   * @param {SourceInfo[]} sources
   */
  #arrived(hosts, sources) {
    const first = !this.loaded;
    const before = nouns(this.hosts, this.sources);
    [this.hosts, this.sources, this.loaded] = [hosts, sources, true];
    this.#listener.changed();
    if (nouns(hosts, sources) !== before || first) this.#listener.others(first);
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof api.Refused && error.status === 401) location.reload();
    else if (!this.loaded) {
      const why = error instanceof api.Refused ? `It says: ${error.message}` : "It does not answer";
      this.#listener.unknown(`${why}; trying again every ${POLL_MS / 1000} s`);
    }
  }
}

/**
 * @param {HostInfo[]} hosts
 * @param {SourceInfo[]} sources
 * @returns {string} what there is, whatever state it is in
 */
function nouns(hosts, sources) {
  return [...hosts, { name: "" }, ...sources].map(({ name }) => name).join(" ");
}
