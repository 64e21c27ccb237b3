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
export function plainText(rows) {
  const several = new Set(rows.map(hostOf)).size > 1;
  const lines = rows.map((row) => {
    const text = neutral(row.kind === "line" ? row.record.text : row.text);
    return several && hostOf(row) ? `${hostOf(row)}: ${text}` : text;
  });
  return `${lines.join("\n")}\n`;
}
