/**
 * What the page knows and is connected to: hosts and sources, the live connection, the lines. It does not know what
 * the page looks like: it calls `changed()` when something is to be shown, `look()` when the columns may differ.
 */

import * as api from "./api.js";
import { palette } from "./colour.js";
import { fill } from "./fill.js";
import { Intake } from "./intake.js";
import { BACKLOG_LINES, BACKLOG_MAX, BACKLOG_MIN, POLL_MS } from "./limits.js";
import { Live } from "./live.js";
import { hostOf, markRow } from "./rows.js";
import { evaluate, selectorOf } from "./selector.js";
import { Store } from "./store.js";
import { sameFilter } from "./url.js";
import { endSentence } from "./words.js";

/** Milliseconds that several switches have to become one new view. */
const SWITCH_MS = 200;
/** Milliseconds after a notice before the states are asked for. */
const NEWS_MS = 400;
/** Milliseconds that a new view takes to reach its hosts, and between polls of their states in that time. */
const SETTLING_MS = 15_000;
const SETTLING_POLL_MS = 1_000;

/** @typedef {import("./types.js").View} View */

/**
 * @typedef {object} Screen
 * @property {() => void} changed a property of the session
 * @property {() => void} arrived rows
 * @property {() => void} look hosts or sources, so the width of columns
 * @property {() => void} cleared the list begins anew
 */

export class Session {
  store = new Store();
  /** @type {import("./types.js").HostInfo[]} */
  hosts = [];
  /** @type {import("./types.js").SourceInfo[]} */
  sources = [];
  /** Whether the hosts are known. */
  loaded = false;
  /** @type {import("./status.js").Connection} */
  connection = { state: "connecting", words: "" };
  /** @type {import("./types.js").Fault[]} */
  faults = [];
  #screen;
  #view;
  #intake;
  #live;
  #switching = 0;
  #polling = 0;
  /** When the last view was opened, ms of `performance.now()`. */
  #openedAt = -Infinity;
  /** Whether there was news since the states were last asked for. */
  #news = false;
  #wasLost = false;
  /** @type {Map<string, number>} */
  #errors = new Map();
  #onFor = { selector: "", hosts: this.hosts, on: new Set([""]) };

  /**
   * @param {View} view
   * @param {Screen} screen
   */
  constructor(view, screen) {
    this.#view = view;
    this.#screen = screen;
    this.#findOn();
    this.#intake = new Intake(this.store, () => screen.arrived());
    this.#live = new Live({
      records: (records) => this.#records(records),
      opened: (fresh) => this.#opened(fresh),
      lost: (wait, told, why) => this.#lost(wait, told, why),
      refused: (error) => this.#refused(error),
      ended: (reason) => this.#connected("ended", endSentence(reason)),
    });
  }

  async start() {
    await this.#poll();
  }

  /** @returns {Set<string>} names of the hosts that are on; the same object as long as nothing changes */
  get on() {
    const { selector, hosts } = this.#onFor;
    if (selector !== this.#view.hosts || hosts !== this.hosts) this.#findOn();
    return this.#onFor.on;
  }

  #findOn() {
    const selector = this.#view.hosts;
    this.#onFor = { selector, hosts: this.hosts, on: evaluate(selector || "@*", this.hosts) };
  }

  /** Load what a gap left out. @param {import("./types.js").MarkRow} row */
  fill(row) {
    return fill(row, this.#view, this.store, () => this.#screen.arrived());
  }

  /** Errors of the last minute by host; the same object as long as nothing changes. */
  get errors() {
    const counts = this.#intake.errors.counts(Date.now());
    const same = counts.size === this.#errors.size && [...counts].every(([host, n]) => this.#errors.get(host) === n);
    if (!same) this.#errors = counts;
    return this.#errors;
  }

  /** Records that wait while paused. */
  get pending() {
    return this.#intake.pending;
  }

  get paused() {
    return this.#intake.paused;
  }

  set paused(paused) {
    this.#intake.paused = paused;
    this.#screen.changed();
  }

  /** Show another view: from its backlog if its filters differ, else the lines of hosts that stay are kept. @param {View} view */
  show(view) {
    const old = this.#view;
    this.#view = view;
    if (!sameFilter(view, old)) {
      this.paused = false;
      clearTimeout(this.#switching);
      this.#open(false);
    } else if (view.hosts !== old.hosts) this.#switched();
  }

  #switched() {
    const { on } = this;
    /** @param {string} host */
    const keep = (host) => !host || on.has(host);
    this.store.filter((row) => keep(hostOf(row)));
    this.#intake.filter(keep);
    this.#live.keepOnly(keep);
    this.#screen.arrived();
    clearTimeout(this.#switching);
    this.#switching = setTimeout(() => this.#open(true), SWITCH_MS);
  }

  // --- hosts and sources ----------------------------------------------------------------------------------------

  async #poll() {
    clearTimeout(this.#polling);
    this.#news = false;
    try {
      const [hosts, sources] = await Promise.all([api.hosts(), api.sources()]);
      this.#arrived(hosts, sources);
    } catch (error) {
      this.#pollFailed(error);
    }
    clearTimeout(this.#polling);
    this.#polling = setTimeout(() => this.#poll(), this.#pause());
  }

  /** Milliseconds until the states are asked for again: sooner while a new view is still reaching its hosts. */
  #pause() {
    if (this.#news) return NEWS_MS;
    const settling = performance.now() - this.#openedAt < SETTLING_MS;
    const unsettled = this.hosts.some(({ name, state }) => this.on.has(name) && (state === "idle" || state === "connecting"));
    return settling && unsettled ? SETTLING_POLL_MS : POLL_MS;
  }

  /**
   * @param {import("./types.js").HostInfo[]} hosts
   * @param {import("./types.js").SourceInfo[]} sources
   */
  #arrived(hosts, sources) {
    const first = !this.loaded;
    const before = nouns(this.hosts, this.sources);
    [this.hosts, this.sources, this.loaded] = [hosts, sources, true];
    this.#screen.changed();
    if (nouns(hosts, sources) === before && !first) return;
    palette.assign(hosts.map(({ name }) => name));
    this.#screen.look();
    this.#open(!first);
  }

  /** @param {unknown} error */
  #pollFailed(error) {
    if (error instanceof api.Refused && error.status === 401) location.reload();
    else if (!this.loaded) {
      const why = error instanceof api.Refused ? `It says: ${error.message}` : "It does not answer";
      this.#connected("lost", `${why}; trying again every ${POLL_MS / 1000} s`);
    }
  }

  /** News about a host: ask for the states soon, not with the next beat of the poll; more news does not put it off. */
  #soon() {
    if (this.#news) return;
    this.#news = true;
    clearTimeout(this.#polling);
    this.#polling = setTimeout(() => this.#poll(), NEWS_MS);
  }

  // --- the live connection --------------------------------------------------------------------------------------

  /** @param {boolean} resume */
  #open(resume) {
    if (!this.loaded) return;
    this.faults = [];
    if (this.#view.hosts === selectorOf(new Set(), this.hosts)) {
      this.#live.close();
      this.#connected("off", "");
      return;
    }
    if (this.connection.state !== "live") this.#connected("connecting", "");
    this.#live.open(this.#view, this.#backlog(), resume);
  }

  /** Lines of backlog for each file: many for few files, few for many. */
  #backlog() {
    const { on } = this;
    const { source: asked } = this.#view;
    const sources = this.sources.filter(({ name }) => !asked.length || asked.includes(name));
    const files = sources.flatMap((source) => source.files).filter(({ host }) => on.has(host)).length;
    return Math.round(Math.min(BACKLOG_MAX, Math.max(BACKLOG_MIN, BACKLOG_LINES / Math.max(1, files))));
  }

  /**
   * @param {import("./status.js").Connection["state"]} state
   * @param {string} words
   */
  #connected(state, words) {
    this.connection = { state, words };
    this.#screen.changed();
  }

  /** @param {import("./types.js").StreamRecord[]} records */
  #records(records) {
    this.#intake.push(records);
    if (records.some(({ type }) => type === "notice")) this.#soon();
  }

  /** @param {boolean} fresh */
  #opened(fresh) {
    if (fresh) {
      this.store.clear();
      this.#intake.clear();
      this.#screen.cleared();
    } else this.#intake.sew();
    if (this.#wasLost && !fresh) this.#intake.say(markRow("Connected again; the view goes on where it was.", "good"));
    this.#wasLost = false;
    this.#openedAt = performance.now();
    this.#soon();
    this.#connected("live", "");
  }

  /**
   * @param {number} wait ms
   * @param {boolean} told
   * @param {string} why
   */
  #lost(wait, told, why) {
    const was = this.connection.state === "live";
    if (was && !told) this.#intake.say(markRow("The connection to the server was lost; connecting again.", "warn"));
    this.#wasLost ||= was;
    const next = `next attempt in ${wait < 1000 ? "a moment" : `${Math.round(wait / 1000)} s`}`;
    this.#connected("lost", why ? `${why}; ${next}` : next);
  }

  /** @param {api.Refused} error */
  #refused(error) {
    if (error.status === 401) return location.reload();
    this.faults = error.faults;
    const others = error.faults.filter(({ parameter }) => parameter !== "grep" && parameter !== "exclude");
    const words = (others.length ? others : error.faults).map(({ parameter, detail }) => `${parameter}: ${detail}`);
    return this.#connected("refused", words.join("; ") || error.message);
  }
}

/**
 * @param {import("./types.js").HostInfo[]} hosts
 * @param {import("./types.js").SourceInfo[]} sources
 * @returns {string} what there is, whatever state it is in
 */
function nouns(hosts, sources) {
  return [...hosts, { name: "" }, ...sources].map(({ name }) => name).join(" ");
}
