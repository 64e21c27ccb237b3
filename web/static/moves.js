/** Keys that move the list, wherever on the page they are pressed. */

/** @type {Record<string, (list: import("./list.js").LogList) => void>} */
export const MOVES = {
  ArrowDown: (list) => list.step(1),
  ArrowUp: (list) => list.step(-1),
  PageDown: (list) => list.pages(1),
  PageUp: (list) => list.pages(-1),
  Home: (list) => list.home(),
  End: (list) => list.end(),
};
