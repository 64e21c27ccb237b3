/** What is selected in the list, and how it is copied. */

import { hostOf } from "./rows.js";
import { neutral } from "./text.js";

/**
 * @param {HTMLElement} element
 * @returns {Range|null} the selected text, if it begins inside
 */
export function selectedIn(element) {
  const selection = getSelection();
  return selection && !selection.isCollapsed && element.contains(selection.anchorNode) ? selection.getRangeAt(0) : null;
}

/**
 * Rows as plain lines, as they are shown (so that nothing hidden reaches a terminal): only the text of lines of one
 * host, `HOST: TEXT` of several.
 *
 * @param {import("./types.js").Row[]} rows
 * @returns {string}
 */
function plainText(rows) {
  const several = new Set(rows.map(hostOf)).size > 1;
  const lines = rows.map((row) => {
    const text = neutral(row.kind === "line" ? row.record.text : row.text);
    return several && hostOf(row) ? `${hostOf(row)}: ${text}` : text;
  });
  return `${lines.join("\n")}\n`;
}

/**
 * Several lines are copied as plain text, without their columns.
 *
 * @param {ClipboardEvent} event
 * @param {HTMLElement} layer that holds the rows
 * @param {import("./pool.js").Pool} pool
 */
export function copied(event, layer, pool) {
  const range = selectedIn(layer);
  const rows = pool.rows((element) => range?.intersectsNode(element) === true);
  if (rows.length < 2) return;
  event.clipboardData?.setData("text/plain", plainText(rows));
  event.preventDefault();
}
