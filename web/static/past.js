/**
 * The lines of the past in the store: a page more before the first, or after the last, whenever the reader comes near.
 * One page is read at a time; what the page can't hold any more at one end can be read again from there.
 */

import * as api from "./api.js";
import { edge, iso, nearby, positions, seam, shut } from "./edge.js";
import { lines } from "./history.js";
import { NEAR_LINES, PAST_LINES, SWAP_PAGES } from "./limits.js";
import { Reading } from "./reading.js";
import { lineRow, markRow } from "./rows.js";
import { before, merged, next } from "./swap.js";
import { endSentence } from "./words.js";

/** @typedef {import("./types.js").LineRecord} LineRecord */
/** @typedef {import("./types.js").LineRow} LineRow */
/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./edge.js").Way} Way */
/** @typedef {import("./edge.js").Edge} Edge */

/**
 * @typedef {object} Screen
 * @property {() => void} changed what is being read, or how it ended
 * @property {() => void} arrived rows
 * @property {(change: () => void) => void} hold the reader's place while the rows change
 * @property {(positions: Set<string>) => void} known lines that the socket may bring a second time
 * @property {() => void} accepted the first question of a view is right: the lines from before go
 * @property {(error: api.Refused) => void} refused it is not
 * @property {(words: string) => void} gone the line that was asked for, and why
 * @property {(row: Row) => void} reveal the line that was asked for
 */

export class Past {
  /** Where the reading stands; null: nothing was asked. @type {Reading|null} */
  reading = null;
  /** What is being read. @type {Way|null} */
  busy = null;
  /** Why nothing more came; empty: nothing is wrong. */
  problem = "";
  /** Hosts that were not read. @type {import("./types.js").Failure[]} */
  failed = [];
  /** Counted up with each news of the reading. */
  news = 0;
  /** Whether the rows above are of the past, without anything left out. */
  begun = false;
  /** Bytes that each host may read; 0: what the server allows unasked. */
  maxScan = 0;
  #store;
  #screen;
  /** @type {import("./types.js").View} */
  #view;
  /** @type {Record<Way, Edge>} */
  #edges = { up: shut(), down: shut() };
  #stop = new AbortController();
  /** Whether the first answer is awaited. */
  #first = false;
  /** Whether the newest lines that there were are held again, while the live view goes on elsewhere. */
  #reached = false;

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./types.js").View} view
   * @param {Screen} screen
   */
  constructor(store, view, screen) {
    this.#store = store;
    this.#view = view;
    this.#screen = screen;
  }

  /** Forget what was read; another view begins. @param {import("./types.js").View} view */
  reset(view) {
    this.#stop.abort();
    this.#view = view;
    this.#edges = { up: shut(), down: shut() };
    [this.reading, this.busy, this.problem, this.failed] = [null, null, "", []];
    this.begun = this.#first = this.#reached = false;
  }

  /** The newest lines of the view's range. */
  async range() {
    this.begun = this.#first = true;
    this.#edges.up = edge(this.#view.until);
    await this.#read("up");
  }

  /** A line, and those before and after it, of all files. @param {string} position */
  async around(position) {
    this.begun = this.#first = true;
    const edges = this.#edges;
    const line = await this.#line(position, edges);
    if (!line) return;
    const time = Date.parse(line.time);
    this.#edges.up = edge(iso(time + 1));
    await this.#read("up");
    if (this.#edges !== edges) return;
    this.#store.attached = false;
    this.#edges.down = seam(this.#store, "down", iso(time));
    const row = this.#store.lineAt(position);
    if (row) this.#screen.reveal(row);
    await this.#read("down");
  }

  /**
   * @param {string} position
   * @param {Record<Way, Edge>} edges of the view that asks
   * @returns {Promise<LineRecord|undefined>} undefined: it is gone, or another view is shown by now
   */
  async #line(position, edges) {
    let words = "the answer does not hold it";
    try {
      const { lines: found, failed } = await api.around(position, { before: 0, after: 0 });
      const line = found.find((each) => each.position === position);
      if (line) return this.#edges === edges ? line : undefined;
      if (failed[0]) words = `${failed[0].host}: ${failed[0].detail}`;
    } catch (error) {
      words = api.words(error);
    }
    if (this.#edges === edges) this.#screen.gone(words);
    return undefined;
  }

  /**
   * The lines of the past take the place of those of the live view that are not all there are of their time.
   *
   * @param {number} time ms; from then on, nothing is left out
   * @param {Row|null} row the first of that time; null: none is
   * @param {number} reach ms; the reader looks at lines of then
   */
  async above(time, row, reach) {
    if (this.busy) return;
    this.begun = true;
    this.#edges.up = edge(iso(time + 1));
    const { last } = this.#store;
    const edges = this.#edges;
    /** @type {LineRow[]} */
    const rows = [];
    for (let pages = 0; pages < SWAP_PAGES && edges.up.open && !edges.up.halted && !(rows[0]?.time <= reach); pages += 1) {
      await this.#read("up", (more) => rows.unshift(...more));
      if (this.#edges !== edges) return;
    }
    this.#screen.hold(() => this.#swap(row ?? next(this.#store, last), rows));
    this.#sayEnd();
  }

  /**
   * @param {Row|null} row the first that stays; null: none does
   * @param {LineRow[]} rows take the place of those before it
   */
  #swap(row, rows) {
    const held = positions(nearby(this.#store, row));
    const old = before(this.#store, row);
    if (row) this.#store.dropBefore(row);
    else this.#store.filter(() => false);
    const lines = rows.filter(({ record }) => !held.has(record.position));
    this.#put("up", merged(old, lines));
    this.#screen.known(positions(lines.slice(-NEAR_LINES)));
  }

  /** Read on, unless it was stopped. @param {Way} way */
  more(way) {
    const { open, halted } = this.#edge(way);
    if (open && !halted) this.#read(way);
  }

  stop() {
    this.#stop.abort();
  }

  /** Go on where it was stopped, or where it failed. */
  again() {
    for (const way of /** @type {Way[]} */ (["up", "down"])) {
      const broken = this.#edges[way];
      if (!broken.halted) continue;
      // What came before it broke is held, and the cursor is that of the page before.
      this.#edges[way] = this.#store.count ? seam(this.#store, way, broken.from) : { ...broken, halted: false };
      this.#read(way);
    }
  }

  /** Whether it was stopped, or failed. */
  get halted() {
    return this.#edges.up.halted || this.#edges.down.halted;
  }

  /**
   * @param {Way} way
   * @returns {Edge} a new one where rows were dropped at that end
   */
  #edge(way) {
    const store = this.#store;
    const { open, halted } = this.#edges[way];
    const dropped = way === "up" ? store.dropped > 0 : !store.attached && !open && !this.#reached;
    if (dropped && !this.busy && !halted) this.#edges[way] = seam(store, way);
    return this.#edges[way];
  }

  /**
   * @param {Way} way
   * @param {(rows: LineRow[]) => void} [put] instead of into the store; oldest first
   */
  async #read(way, put) {
    if (this.busy) return;
    const stop = (this.#stop = new AbortController());
    const reading = (this.reading = new Reading());
    [this.busy, this.problem] = [way, ""];
    this.#screen.changed();
    try {
      const end = await lines(this.#question(way), (records) => stop.signal.aborted || this.#take(way, records, reading, put), stop.signal);
      this.#ended(way, end, reading);
    } catch (error) {
      if (this.reading === reading) this.#broken(way, error, stop.signal.aborted);
    }
    if (this.reading !== reading) return;
    this.busy = null;
    if (!put) this.#sayEnd();
    this.#screen.changed();
  }

  /** @param {Way} way */
  #question(way) {
    const { since, until, at } = this.#view;
    const { from, cursor } = this.#edges[way];
    const view = this.#view;
    const range = way === "up" ? { since: at ? "" : since, until: from } : { since: from, until: at ? "" : until };
    const direction = /** @type {"backward"|"forward"} */ (way === "up" ? "backward" : "forward");
    return { view, ...range, cursor, direction, limit: PAST_LINES, maxScan: this.maxScan };
  }

  /**
   * @param {Way} way
   * @param {import("./history.js").PastRecord[]} records
   * @param {Reading} reading
   * @param {(rows: LineRow[]) => void} [put]
   */
  #take(way, records, reading, put) {
    if (this.#first) this.#screen.accepted();
    this.#first = false;
    const rows = [];
    for (const record of records) {
      if (record.type === "progress") reading.take(record);
      else if (record.type === "line" && !this.#edges[way].held.has(record.position)) rows.push(lineRow(record));
    }
    if (way === "up") rows.reverse();
    if (rows.length) (put ?? ((found) => this.#put(way, found)))(rows);
    this.news += 1;
    this.#screen.changed();
  }

  /**
   * @param {Way} way
   * @param {Row[]} rows oldest first
   */
  #put(way, rows) {
    if (way === "up") this.#store.prepend(rows);
    else this.#store.extend(rows);
    this.#screen.arrived();
  }

  /**
   * @param {Way} way
   * @param {import("./types.js").Answered} end
   * @param {Reading} reading
   */
  #ended(way, end, reading) {
    reading.whole = end.scanned_bytes;
    this.failed = end.failed;
    if (end.reason && end.reason !== "complete") throw new api.Refused(0, end.detail || endSentence(end.reason), []);
    Object.assign(this.#edges[way], { cursor: end.cursor, open: end.cursor !== null, held: end.cursor ? this.#edges[way].held : new Set() });
    if (way !== "down" || end.cursor) return;
    if (this.#view.since || this.#view.at) this.#store.attached = true;
    else this.#reached = true;
  }

  /**
   * @param {Way} way
   * @param {unknown} error
   * @param {boolean} stopped by the reader
   */
  #broken(way, error, stopped) {
    if (this.#first && error instanceof api.Refused) return this.#screen.refused(error);
    this.#edges[way].halted = true;
    this.problem = stopped ? "Stopped" : api.words(error);
    return undefined;
  }

  /** Say once where the past ends. */
  #sayEnd() {
    const { up } = this.#edges;
    if (up.open || up.halted || this.#store.dropped || !this.#store.count) return;
    const { first } = this.#store;
    if (first?.kind === "mark" && first.ends) return;
    const range = this.#view.since && !this.#view.at;
    const row = markRow(range ? "The range begins here." : "The logs begin here: nothing older is on the hosts.");
    row.time = first?.time ?? row.time;
    row.ends = true;
    this.#store.prepend([row]);
    this.#screen.arrived();
  }
}
