/**
 * Between the socket and the store: records wait in a bounded queue and are taken in on a beat, a few milliseconds
 * each time, so that a flood never blocks the page; while paused they wait longer. Beyond the bound the oldest are
 * dropped, counted and said so in a row.
 */

import { Errors, isError } from "./errors.js";
import { BEAT_EVERY_MS, BEAT_MS, PENDING_RECORDS } from "./limits.js";
import { endRow, fileKey, gapRow, hostOf, lineRow, markRow, Notices } from "./rows.js";
import { plural } from "./words.js";

/** Records between two looks at the clock. */
const STEP = 64;

/** @typedef {import("./types.js").StreamRecord} StreamRecord */
/** @typedef {import("./types.js").Row} Row */
/** @typedef {StreamRecord|{type: "row", row: Row}} Waiting */

export class Intake {
  /** @type {Waiting[]} */
  #queue = [];
  #next = 0;
  #lost = 0;
  #scheduled = false;
  #lastBeat = 0;
  #paused = false;
  #notices = new Notices();
  /** Files whose backlog is out: their lines are of now, whatever their stamps say. @type {Set<string>} */
  #live = new Set();
  errors = new Errors();
  #store;
  #changed;
  /** Positions of lines that the past gave out and the socket may bring yet. @type {Set<string>} */
  #known = new Set();
  /** Lines with an earlier time go to their place instead of the end. */
  #seam = -Infinity;

  /**
   * @param {import("./store.js").Store} store
   * @param {() => void} changed called after each beat that did something
   */
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  get paused() {
    return this.#paused;
  }

  set paused(paused) {
    this.#paused = paused;
    this.#schedule();
  }

  /** Records that wait. */
  get pending() {
    return this.#queue.length - this.#next;
  }

  clear() {
    this.#queue = [];
    this.#next = this.#lost = 0;
    this.#notices.clear();
    this.#live.clear();
    this.errors.clear();
    this.#known.clear();
    this.#seam = -Infinity;
  }

  /** @param {Waiting[]} records */
  push(records) {
    for (const record of records) this.#queue.push(record);
    const over = this.pending - PENDING_RECORDS;
    if (over > 0) {
      this.#next += over;
      this.#lost += over;
    }
    if (this.#next > PENDING_RECORDS) this.#compact();
    this.#schedule();
  }

  /** Of what waits, leave out other hosts. @param {(host: string) => boolean} keep */
  filter(keep) {
    this.#compact();
    this.#queue = this.#queue.filter((record) => keep(waitingHost(record)));
  }

  /** A new socket goes on here: what it sends from before (other files' backlogs) is put in its place. */
  sew() {
    this.#live.clear();
    this.#seam = this.#store.newest;
    for (const record of this.#queue) if (record.type === "line") this.#seam = Math.max(this.#seam, Date.parse(record.time));
  }

  /** Lines that are held already, should they come. @param {Set<string>} positions */
  know(positions) {
    this.#known = positions;
  }

  /** A row of the page's own: after what waits already. @param {Row} row */
  say(row) {
    this.push([{ type: "row", row }]);
  }

  #compact() {
    this.#queue = this.#queue.slice(this.#next);
    this.#next = 0;
  }

  #schedule() {
    if (this.#scheduled || this.#paused || !this.pending) return;
    this.#scheduled = true;
    // A timer, not a frame: frames do not come in a tab that is not seen.
    setTimeout(() => this.#beat(), Math.max(0, this.#lastBeat + BEAT_EVERY_MS - performance.now()));
  }

  #beat() {
    this.#scheduled = false;
    if (this.#paused) return;
    this.#lastBeat = performance.now();
    const until = this.#lastBeat + BEAT_MS;
    if (this.#lost) this.#sayLost();
    do {
      const end = Math.min(this.#queue.length, this.#next + STEP);
      for (; this.#next < end; this.#next += 1) this.#take(this.#queue[this.#next]);
    } while (this.pending && performance.now() < until);
    if (!this.pending) this.#compact();
    this.#changed();
    this.#schedule();
  }

  #sayLost() {
    const why = "they waited here (paused, or the tab asleep) and the page keeps only so many";
    this.#add(markRow(`${plural(this.#lost, "record")} not shown: ${why}`, "warn"));
    this.#lost = 0;
  }

  /** @param {Waiting} record */
  #take(record) {
    if (record.type === "line") this.#line(record);
    else if (record.type === "row") this.#add(record.row);
    else if (record.type === "gap") this.#add(gapRow(record));
    else if (record.type === "end") this.#add(endRow(record.reason));
    else if (record.type === "notice") {
      const row = this.#notices.take(record);
      if (row) this.#add(row);
      if (record.state === "live" && record.path) this.#live.add(fileKey(record));
    }
  }

  /** @param {import("./types.js").LineRecord} record */
  #line(record) {
    if (this.#known.delete(record.position)) return;
    const row = lineRow(record);
    if (record.late) row.behind = this.#store.newest - row.time;
    if (record.late || row.time < this.#seam) this.#store.insert(row);
    else this.#store.append(row);
    if (!isError(record)) return;
    const now = Date.now();
    this.errors.add(record.host, this.#live.has(row.file) ? now : Math.min(now, row.time));
  }

  /** @param {Row} row without a time of its own: it stands where the newest line does */
  #add(row) {
    row.time = this.#store.newest;
    this.#store.append(row);
  }
}

/**
 * @param {Waiting} record
 * @returns {string} empty: of no host
 */
function waitingHost(record) {
  if (record.type === "row") return hostOf(record.row);
  return "host" in record ? record.host : "";
}
