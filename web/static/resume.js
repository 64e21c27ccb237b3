/**
 * Where each file was left, so that a new socket goes on there: as `after` parameters as long as the URL has room
 * (the files heard of last come first), and for the others by leaving out what the backlog sends a second time.
 */

import { REMEMBERED_FILES } from "./limits.js";
import { fileKey } from "./rows.js";

/** @typedef {import("./types.js").StreamRecord} StreamRecord */
/** @typedef {import("./types.js").LineRecord} LineRecord */

export class Resume {
  /** Files to the position of their last line, the one heard of last at the end. @type {Map<string, string>} */
  #last = new Map();
  /** Files whose backlog comes again, with what came of it so far. @type {Map<string, LineRecord[]>} */
  #again = new Map();

  clear() {
    this.#last.clear();
    this.#again.clear();
  }

  /** @param {(file: string) => boolean} keep */
  filter(keep) {
    for (const file of this.#last.keys()) if (!keep(file)) this.#last.delete(file);
  }

  /** Whether there is a place to go on from. */
  get any() {
    return this.#last.size > 0;
  }

  /**
   * @param {number} bytes that `after` parameters may take
   * @returns {string[]} positions; the files that are left out will be matched by what comes
   */
  begin(bytes) {
    this.#again.clear();
    const positions = [];
    let left = bytes;
    for (const [file, position] of [...this.#last].reverse()) {
      left -= "&after=".length + encodeURIComponent(position).length;
      if (left >= 0) positions.push(position);
      else this.#again.set(file, []);
    }
    return positions;
  }

  /**
   * @param {StreamRecord[]} records as they come
   * @returns {StreamRecord[]} the same without lines that were there before
   */
  take(records) {
    const fresh = this.#again.size ? records.flatMap((record) => this.#match(record)) : records;
    for (const record of fresh) if (record.type === "line") this.#remember(record);
    return fresh;
  }

  /** @param {LineRecord} record */
  #remember(record) {
    const file = fileKey(record);
    this.#last.delete(file);
    this.#last.set(file, record.position);
    if (this.#last.size > REMEMBERED_FILES) this.#last.delete(/** @type {string} */ (this.#last.keys().next().value));
  }

  /**
   * @param {StreamRecord} record
   * @returns {StreamRecord[]}
   */
  #match(record) {
    if (record.type !== "line" && record.type !== "notice") return [record];
    const file = fileKey(record);
    const held = this.#again.get(file);
    if (!held) return [record];
    if (record.type === "line") {
      held.push(record);
      if (record.position === this.#last.get(file)) this.#again.delete(file);
      return [];
    }
    if (record.state !== "live") return [record];
    this.#again.delete(file);
    return [hole(held, record, this.#last.get(file) ?? null), ...held, record].flatMap((each) => each ?? []);
  }
}

/**
 * @param {LineRecord[]} held a backlog that does not reach back to the last line known
 * @param {import("./types.js").NoticeRecord} notice
 * @param {string|null} from position of that line, which the page holds
 * @returns {import("./types.js").GapRecord|null}
 */
function hole(held, notice, from) {
  if (!held.length) return null;
  const { host } = notice;
  const { source, path, position } = held[0];
  return { type: "gap", host, source, path, from, to: position, lines: null, bytes: null, reason: "away" };
}
