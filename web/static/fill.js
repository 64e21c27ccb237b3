/** Load the lines that a gap names and put them where the gap's row stands: a bounded part with each call. */

import { missing, Refused, words } from "./api.js";
import { FILL_LINES } from "./limits.js";
import { lineRow } from "./rows.js";
import { gapSentence } from "./words.js";

const NOT_LOADED = "Not loaded: ";

/** @typedef {import("./types.js").MarkRow} MarkRow */
/** @typedef {import("./types.js").GapRecord} GapRecord */

/**
 * @param {MarkRow} row of a gap; it goes when all is there, else it says what is missing still, and why
 * @param {import("./types.js").View} view whose filters hold
 * @param {import("./store.js").Store} store that holds the row
 * @param {() => void} changed called when there is something new to draw
 */
export async function fill(row, view, store, changed) {
  const { gap } = row;
  if (!gap || row.busy) return;
  tell(row, { busy: true });
  changed();
  try {
    const page = await missing(gap, view, FILL_LINES);
    take(row, gap, page, store);
  } catch (error) {
    const gone = error instanceof Refused && error.gone;
    tell(row, { busy: false, gap: gone ? null : gap, text: `${NOT_LOADED}${words(error)}. ${gapSentence(gap)}` });
  }
  changed();
}

/**
 * @param {MarkRow} row
 * @param {GapRecord} gap
 * @param {import("./types.js").LinesPage} page
 * @param {import("./store.js").Store} store
 */
function take(row, gap, page, store) {
  // A gap of the page's own begins with the last line that it holds.
  const lines = page.lines.filter(({ position }) => gap.reason !== "away" || position !== gap.from);
  if (!store.putBefore(row, lines.map(lineRow))) return;
  const [failed] = page.failed;
  if (!failed && !page.cursor) {
    store.remove(row);
    return;
  }
  const left = gap.lines === null ? null : Math.max(0, gap.lines - lines.length);
  const rest = { ...gap, cursor: page.cursor ?? gap.cursor, lines: left || null, bytes: lines.length ? null : gap.bytes };
  const why = failed ? `${NOT_LOADED}${failed.host}: ${failed.detail}. ` : "";
  tell(row, { busy: false, gap: rest, text: `${why}${gapSentence(rest)}` });
}

/**
 * @param {MarkRow} row
 * @param {Partial<MarkRow>} change
 */
function tell(row, change) {
  Object.assign(row, change);
  row.version += 1;
}
