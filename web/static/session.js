/**
 * What the page knows and is connected to: hosts and sources, the live connection or the past, the lines. It does not
 * know what the page looks like: it calls `changed()` when something is to be shown, `look()` when the columns may differ.
 */

import * as api from "./api.js";
import { Chosen } from "./chosen.js";
import { palette } from "./colour.js";
import { Counts } from "./counts.js";
import { fill } from "./fill.js";
import { backlog, followed, horizon } from "./horizon.js";
import { Intake } from "./intake.js";
import { BUCKETS } from "./limits.js";
import { Live } from "./live.js";
import { Past } from "./past.js";
import { hostOf, markRow } from "./rows.js";
import { selectorOf } from "./selector.js";
import { States } from "./states.js";
import { Store } from "./store.js";
import { sameFilter } from "./url.js";
import { attempt, endSentence } from "./words.js";

/** Milliseconds that several switches have to become one new view. */
const SWITCH_MS = 200;

/** @typedef {import("./types.js").View} View */
/** @typedef {import("./types.js").Row} Row */

/**
 * @typedef {object} Screen
 * @property {() => void} changed a property of the session
 * @property {() => void} arrived rows
 * @property {(change: () => void) => void} hold the reader's place while the rows change
 * @property {(row: Row) => void} reveal a row that was asked for
 * @property {() => void} look hosts or sources, so the width of columns
 * @property {() => void} cleared the list begins anew
 */

export class Session {
  store = new Store();
  /** @type {import("./status.js").Connection} */
  connection = { state: "connecting", words: "" };
  faults = /** @type {import("./types.js").Fault[]} */ ([]);
  past;
  counts;
  #screen;
  #view;
  #intake;
  #live;
  #states;
  #switching = 0;
  /** When the live view was opened, ms since the epoch by the server's clock. */
  #liveSince = 0;
  #wasLost = false;
  #chosen = new Chosen();

  /**
   * @param {View} view
   * @param {Screen} screen
   */
  constructor(view, screen) {
    this.#view = view;
    this.#screen = screen;
    this.#states = new States({
      changed: () => screen.changed(),
      others: (first) => this.#others(first),
      unknown: (words) => this.#connected("lost", words),
    });
    this.#intake = new Intake(this.store, () => screen.arrived());
    this.#live = new Live({
      records: (records) => this.#records(records),
      opened: (fresh) => this.#opened(fresh),
      lost: (wait, told, why) => this.#lost(wait, told, why),
      refused: (error) => this.#refused(error),
      ended: (reason) => this.#connected("ended", endSentence(reason)),
    });
    this.counts = new Counts(() => screen.changed());
    this.past = new Past(this.store, view, {
      changed: () => screen.changed(),
      arrived: () => screen.arrived(),
      hold: (change) => screen.hold(change),
      known: (positions) => this.#intake.know(positions),
      accepted: () => this.#clear(),
      refused: (error) => this.#refused(error),
      gone: (words) => this.#connected("gone", words),
      reveal: (row) => screen.reveal(row),
    });
  }

  async start() {
    await this.#states.poll();
  }

  get hosts() {
    return this.#states.hosts;
  }

  get sources() {
    return this.#states.sources;
  }

  get loaded() {
    return this.#states.loaded;
  }

  /** Whether it is the past that is shown, not the live view. */
  get isPast() {
    return Boolean(this.#view.since || this.#view.at);
  }

  /** @returns {Set<string>} names of the hosts that are on; the same object as long as nothing changes */
  get on() {
    return this.#chosen.of(this.#view.hosts, this.hosts);
  }

  /** Load what a gap left out. @param {import("./types.js").MarkRow} row */
  fill(row) {
    return fill(row, this.#view, this.store, () => this.#screen.arrived());
  }

  /** Errors of the last minute by host; the same object as long as nothing changes. */
  get errors() {
    return this.#intake.errors.counts(Date.now());
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

  /** Show another view: from its beginning if its filters differ, else the lines of hosts that stay are kept. @param {View} view */
  show(view) {
    const old = this.#view;
    this.#view = view;
    if (!sameFilter(view, old)) {
      this.paused = false;
      clearTimeout(this.#switching);
      this.past.maxScan = 0;
      this.open(false);
    } else if (view.hosts !== old.hosts) this.#switched();
  }

  #switched() {
    const { on } = this;
    /** @param {string} host */
    const keep = (host) => !host || on.has(host);
    this.past.reset(this.#view);
    this.store.filter((row) => keep(hostOf(row)));
    this.#intake.filter(keep);
    this.#live.keepOnly(keep);
    this.#screen.arrived();
    clearTimeout(this.#switching);
    this.#switching = setTimeout(() => this.open(true), SWITCH_MS);
  }

  /** @param {boolean} first */
  #others(first) {
    palette.assign(this.hosts.map(({ name }) => name));
    this.#screen.look();
    if (first || !this.isPast) this.open(!first);
  }

  // --- the past -------------------------------------------------------------------------------------------------

  /**
   * The reader comes near an end of what is held.
   *
   * @param {"start"|"end"} end
   * @param {Row|null} upper that is at the upper edge
   */
  near(end, upper) {
    if (this.past.busy) return;
    if (end === "end") this.past.more("down");
    else if (this.past.begun) this.past.more("up");
    else if (this.connection.state === "live") {
      const { time, row } = this.#horizon();
      this.past.above(time, row, upper?.time ?? time);
    }
  }

  /** The row from which on the live view is whole; null: it is from its first. @returns {Row|null} */
  get frontier() {
    return this.isPast || this.past.begun ? this.past.frontier : this.#horizon().row;
  }

  #horizon() {
    const skew = Math.max(0, ...this.hosts.map(({ clock_skew_s }) => clock_skew_s ?? 0));
    return horizon(this.store, followed(this.sources, this.#view.source, this.on), this.#liveSince + skew * 1000);
  }

  #openPast() {
    this.#live.close();
    this.#wasLost = false;
    this.#connected("past", "");
    if (this.#view.at) this.past.around(this.#view.at);
    else this.counts.load(this.question, BUCKETS, this.past.range());
  }

  /** What the range asks. @returns {import("./history.js").Question} */
  get question() {
    const { since, until } = this.#view;
    return { view: this.#view, since, until, maxScan: this.past.maxScan };
  }

  /**
   * Read the past anew: for hosts that failed, or of which more is to be read than is allowed unasked.
   *
   * @param {Row|null} upper that is at the upper edge
   * @param {number} [maxScan] bytes that each host may read
   */
  reload(upper, maxScan = this.past.maxScan) {
    this.past.maxScan = maxScan;
    if (this.isPast) return this.open(false);
    this.past.reset(this.#view);
    return this.near("start", upper);
  }

  /** Read no more of the past. */
  stop() {
    this.past.stop();
    this.counts.stop();
  }

  #clear() {
    this.store.clear();
    this.#intake.clear();
    this.#screen.cleared();
  }

  /** Show the view from its beginning; what was shown goes at once. */
  renew() {
    this.paused = false;
    this.#live.close();
    this.#clear();
    this.#connected("connecting", "");
    this.open(false);
  }

  // --- the live connection --------------------------------------------------------------------------------------

  /** @param {boolean} resume where the live view is */
  open(resume) {
    if (!this.loaded) return;
    this.faults = [];
    this.past.reset(this.#view);
    this.counts.clear();
    if (this.#view.hosts === selectorOf(new Set(), this.hosts)) {
      this.#live.close();
      this.#connected("off", "");
    } else if (this.isPast) this.#openPast();
    else {
      if (this.connection.state !== "live") this.#connected("connecting", "");
      this.#live.open(this.#view, backlog(this.sources, this.#view.source, this.on), resume && this.store.attached);
    }
  }

  /** @param {import("./status.js").Connection["state"]} state @param {string} words */
  #connected(state, words) {
    this.connection = { state, words };
    this.#screen.changed();
  }

  /** @param {import("./types.js").StreamRecord[]} records */
  #records(records) {
    this.#intake.push(records);
    if (records.some(({ type }) => type === "notice")) this.#states.soon();
  }

  /** @param {boolean} fresh */
  #opened(fresh) {
    if (fresh) {
      this.past.reset(this.#view);
      this.#liveSince = api.serverNow();
      this.#clear();
    } else this.#intake.sew();
    if (this.#wasLost && !fresh) this.#intake.say(markRow("Connected again; the view goes on where it was.", "good"));
    this.#wasLost = false;
    this.#states.opened(this.on);
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
    this.#connected("lost", [why, attempt(wait)].filter(Boolean).join("; "));
  }

  /** @param {api.Refused} error */
  #refused(error) {
    if (error.status === 401) return location.reload();
    this.faults = error.faults;
    return this.#connected("refused", api.refusedWords(error));
  }
}
