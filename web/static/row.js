/** A row of the list as an element: made once, filled again and again. Log text is only ever set as text. */

import { palette } from "./colour.js";
import { LATE_MS, SHOWN_CHARS } from "./limits.js";
import { setText } from "./text.js";
import { count, fullStamp, size, stamp } from "./words.js";

/**
 * @typedef {object} Display how rows are shown
 * @property {boolean} utc
 * @property {boolean} sources whether each row names its source
 * @property {string} today `2026-11-23`; rows of other days show theirs
 */

/** @type {Record<string, string>} */
const LEVELS = {
  trace: "TRC",
  debug: "DBG",
  info: "INF",
  notice: "NTC",
  warning: "WRN",
  error: "ERR",
  critical: "CRT",
};

/**
 * @param {string} tag
 * @param {string} name class
 * @returns {HTMLElement}
 */
function make(tag, name) {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

export class RowElement {
  element = make("div", "row");
  #time = make("span", "time");
  #clock = document.createTextNode("");
  #fraction = make("span", "fraction");
  #host = make("span", "host");
  #source = make("span", "source");
  #level = make("span", "level");
  #text = make("span", "text");
  /** @type {import("./types.js").Row|null} */
  row = null;
  version = -1;
  /** Whether its time begins with the day. */
  dated = false;
  #selected = false;

  constructor() {
    this.#time.append(this.#clock, this.#fraction);
    this.element.append(this.#time, this.#host, this.#source, this.#level, this.#text);
  }

  /**
   * @param {import("./types.js").Row} row
   * @param {Display} display
   */
  fill(row, display) {
    this.row = row;
    this.version = row.version;
    const was = this.#selected;
    this.#selected = false;
    if (row.kind === "line") this.#line(row, display);
    else this.#mark(row);
    this.select(was);
  }

  /** @param {boolean} selected by the keyboard */
  select(selected) {
    if (selected === this.#selected) return;
    this.#selected = selected;
    this.element.classList.toggle("selected", selected);
    if (selected) this.element.setAttribute("aria-current", "true");
    else this.element.removeAttribute("aria-current");
  }

  /**
   * @param {import("./types.js").LineRow} row
   * @param {Display} display
   */
  #line(row, display) {
    const { record } = row;
    const known = record.level !== null && record.level in LEVELS;
    this.element.className = `row line ${palette.of(record.host)}${known ? ` ${record.level}` : ""}`;
    this.#stamp(row, display);
    this.#host.textContent = record.host;
    this.#host.title = `${record.host}\n${record.source}: ${record.path}`;
    this.#source.textContent = display.sources ? record.source : "";
    this.#level.textContent = known ? LEVELS[/** @type {string} */ (record.level)] : "";
    setText(this.#text, record.text, record, SHOWN_CHARS);
    for (const words of notes(row)) {
      const note = make("span", "note");
      note.textContent = words;
      this.#text.append(note);
    }
  }

  /**
   * @param {import("./types.js").LineRow} row
   * @param {Display} display
   */
  #stamp(row, display) {
    const { day, clock } = stamp(row.time, display.utc);
    this.dated = day !== display.today;
    this.#clock.data = (this.dated ? `${day.slice(5)} ` : "") + clock.slice(0, -4);
    this.#fraction.textContent = clock.slice(-4);
    this.#time.classList.toggle("unstamped", row.record.stamped === false);
    const words = [fullStamp(row.time)];
    if (row.record.stamped === false) words.push("no stamp of its own: when it was read");
    if (row.behind > 0) words.push(`came ${(row.behind / 1000).toFixed(1)} s after its place in the order`);
    this.#time.title = words.join("\n");
  }

  /** @param {import("./types.js").MarkRow} row */
  #mark(row) {
    this.element.className = `row mark ${row.tone}${row.host ? ` ${palette.of(row.host)}` : ""}`;
    this.dated = false;
    this.#clock.data = this.#fraction.textContent = this.#time.title = "";
    this.#host.textContent = row.host;
    this.#host.title = row.host;
    this.#source.textContent = this.#level.textContent = "";
    setText(this.#text, row.text, undefined, SHOWN_CHARS);
    if (row.gap) this.#text.prepend(loader(row));
  }
}

/**
 * @param {import("./types.js").MarkRow} row of a gap
 * @returns {HTMLElement}
 */
function loader(row) {
  const button = /** @type {HTMLButtonElement} */ (make("button", "row-button"));
  button.type = "button";
  button.disabled = row.busy;
  button.textContent = row.busy ? "Loading…" : "Load them";
  return button;
}

/**
 * @param {import("./types.js").LineRow} row
 * @returns {string[]} what is to be said behind its text
 */
function notes({ record, behind }) {
  const words = [];
  if (behind > LATE_MS) words.push("late");
  if (record.text.length > SHOWN_CHARS) words.push(`${count(record.text.length - SHOWN_CHARS)} more characters`);
  if (record.clipped) words.push(`clipped, ${record.length === undefined ? "longer" : size(record.length)} whole`);
  return words;
}
