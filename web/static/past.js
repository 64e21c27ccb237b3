/**
 * The lines of the past in the store: a page more before the first, or after the last, whenever the reader comes near.
 * One page is read at a time; what the page can't hold any more at one end can be read again from there.
 */

import * as api from "./api.js";
import { asked, edge, iso, nearby, positions, seam, shut } from "./edge.js";
import { lines } from "./history.js";
import { insert, place, runs } from "./late.js";
import { NEAR_LINES, SWAP_PAGES } from "./limits.js";
import { joined, Reading } from "./reading.js";
import { beginRow, lineRow } from "./rows.js";
import { before, merged, next } from "./swap.js";
import { endSentence } from "./words.js";

/** @typedef {import("./types.js").LineRecord} LineRecord */
/** @typedef {import("./types.js").LineRow} LineRow */
/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./edge.js").Way} Way */
/** @typedef {import("./edge.js").Edge} Edge */

/**
 * @typedef {(rows: LineRow[], late: boolean) => void} Put oldest first; late ones, which belong among others, as they came
 *
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
  /** What went another way than usual. @type {import("./types.js").Note[]} */
  notes = [];
  /** The row from which on nothing is left out; null: the first. @type {Row|null} */
  frontier = null;
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
  /** Pages that were read on without being asked for. */
  #catches = 0;
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

  /** Forget what was read. @param {import("./types.js").View} view that begins */
  reset(view) {
    this.#stop.abort();
    this.#view = view;
    this.#edges = { up: shut(), down: shut() };
    [this.reading, this.busy, this.problem, this.failed, this.notes, this.frontier] = [null, null, "", [], [], null];
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
    const wanted = () => edges.up.open && !edges.up.halted && (edges.up.late || !(rows[0]?.time <= reach));
    for (let pages = 0; pages < SWAP_PAGES && wanted(); pages += 1) {
      await this.#read("up", (more, late) => (late ? more.forEach((each) => insert(rows, each)) : rows.unshift(...more)));
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

  /** @param {Way} way */
  more(way) {
    this.#catches = 0;
    if (this.#edge(way).open && !this.#edge(way).halted) this.#read(way);
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
   * @param {Put} [put] instead of into the store
   */
  async #read(way, put) {
    if (this.busy) return;
    const stop = (this.#stop = new AbortController());
    const reading = (this.reading = new Reading());
    [this.busy, this.problem] = [way, ""];
    this.#screen.changed();
    try {
      const end = await lines(asked(this.#view, way, this.#edges[way], this.maxScan), (records) => stop.signal.aborted || this.#take(way, records, reading, put), stop.signal);
      this.#ended(way, end, reading);
    } catch (error) {
      if (this.reading === reading) this.#broken(way, error, stop.signal.aborted);
    }
    if (this.reading !== reading) return;
    this.busy = null;
    if (!put) this.#sayEnd();
    this.#screen.changed();
    // Where the reader looks, a slow host's lines may be missing yet.
    if (!put && this.#edges[way].late && !this.frontier && (this.#catches += 1) <= SWAP_PAGES) await this.#read(way);
  }

  /**
   * @param {Way} way
   * @param {import("./history.js").PastRecord[]} records
   * @param {Reading} reading
   * @param {Put} [put]
   */
  #take(way, records, reading, put) {
    if (this.#first) this.#screen.accepted();
    this.#first = false;
    const rows = [];
    for (const record of records) {
      if (record.type === "progress") reading.take(record);
      else if (record.type === "line" && !this.#edges[way].held.has(record.position)) rows.push(lineRow(record));
    }
    for (const run of runs(rows, way)) (put ?? ((found, late) => this.#put(way, found, late)))(run.rows, run.late);
    this.news += 1;
    this.#screen.changed();
  }

  /**
   * @param {Way} way
   * @param {Row[]} rows oldest first
   * @param {boolean} [late] they belong among those that are held, and are in the order of the reading
   */
  #put(way, rows, late) {
    if (late) for (const row of rows) place(this.#store, way, /** @type {LineRow} */ (row));
    else if (way === "up") this.#store.prepend(rows);
    else this.#store.extend(rows);
    if (late && this.#edges.up.late) this.frontier = rows.at(-1) ?? null;
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
    this.notes = joined(this.notes, end.notes ?? []);
    if (end.reason && end.reason !== "complete") throw new api.Refused(0, end.detail || endSentence(end.reason), []);
    Object.assign(this.#edges[way], { cursor: end.cursor, open: end.cursor !== null, held: end.cursor ? this.#edges[way].held : new Set(), late: end.late === true });
    if (!end.late) this.frontier = null;
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
    const { first, dropped } = this.#store;
    if (up.open || up.halted || dropped || !first || (first.kind === "mark" && first.ends)) return;
    this.#store.prepend([beginRow(first, this.#view.since !== "" && !this.#view.at)]);
    this.#screen.arrived();
  }
}
