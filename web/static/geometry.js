/** Measures of the list. */

import { TALLEST_PX } from "./limits.js";

/** CSS px of one line of the screen; css/list.css takes it as --row. */
export const ROW_PX = 20;

/**
 * How a scrollbar stands for lines that may be too tall for an element.
 *
 * @param {number} whole CSS px of all lines
 * @param {number} sight CSS px of what is in sight
 * @returns {{px: number, scale: number}} the element's height, and how many px of lines one px of scrolling means
 */
export function scaled(whole, sight) {
  const px = Math.min(whole, TALLEST_PX);
  return { px, scale: whole > px ? (whole - sight) / (px - sight) : 1 };
}

/**
 * @param {HTMLElement} layer with rows
 * @returns {number|null} characters that fit beside each other in the column of the text; null: no row tells
 */
export function columnsOf(layer) {
  const text = layer.querySelector(".row .text");
  if (!text) return null;
  const probe = document.createElement("span");
  probe.className = "probe";
  probe.textContent = "0".repeat(100);
  layer.append(probe);
  const width = probe.getBoundingClientRect().width / 100;
  probe.remove();
  return width > 0 ? Math.max(8, Math.floor(text.getBoundingClientRect().width / width)) : null;
}
