/** How the page looks: columns, the width of the screen, the theme. */

/** Characters of the widest host and source columns. */
const WIDEST_HOST = 28;
const WIDEST_SOURCE = 16;

/** @param {{name: string}[]} hosts @returns {string} a CSS length */
export function hostWidth(hosts) {
  return `${widest(hosts, WIDEST_HOST) + 2.5}ch`;
}

/** @param {{name: string}[]} sources @returns {string} a CSS length */
export function sourceWidth(sources) {
  return `${widest(sources, WIDEST_SOURCE) + 1.5}ch`;
}

/**
 * @param {{name: string}[]} things
 * @param {number} most
 * @returns {number} characters of the longest name
 */
function widest(things, most) {
  return Math.min(most, things.reduce((longest, { name }) => Math.max(longest, name.length), 4));
}

/** Whether the hosts are a drawer over the lines (css/layout.css), shut until asked for; else they are open until put away. */
export function narrow() {
  return matchMedia("(width <= 860px)").matches;
}

/** The other of light and dark, remembered. */
export function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("tailon-agg.theme", root.dataset.theme);
}
