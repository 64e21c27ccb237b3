/** The keyboard: one table, which the help dialog shows too. Single letters can be turned off there. */

import { MOVES } from "./moves.js";

/**
 * @typedef {object} Actions
 * @property {() => void} pattern
 * @property {() => void} pause
 * @property {() => void} help
 * @property {() => void} wrap
 * @property {() => void} time
 * @property {() => void} range
 * @property {() => void} hosts
 * @property {() => void} filters
 * @property {() => void} theme
 * @property {() => void} leave
 * @property {() => void} open
 * @property {(move: (list: import("./list.js").LogList) => void) => void} move
 */

/** @type {{keys: string[], does: string, name?: keyof Actions}[]} */
export const KEYS = [
  { keys: ["/"], does: "Go to the pattern", name: "pattern" },
  { keys: ["Space"], does: "Pause, go on", name: "pause" },
  { keys: ["↑", "↓"], does: "Select a line" },
  { keys: ["Enter"], does: "The whole of the selected line; load the lines of a gap", name: "open" },
  { keys: ["c"], does: "While a line is shown whole: the lines around it in its file" },
  { keys: ["PgUp", "PgDn"], does: "Scroll" },
  { keys: ["Home", "g"], does: "To the oldest line that is here; older ones are loaded" },
  { keys: ["End", "G"], does: "To the newest line, and follow" },
  { keys: ["w"], does: "Wrap long lines", name: "wrap" },
  { keys: ["r"], does: "Choose the time: live, the last hours, from–to", name: "range" },
  { keys: ["t"], does: "Local time or UTC", name: "time" },
  { keys: ["h"], does: "Hosts at the side", name: "hosts" },
  { keys: ["Double click"], does: "On a line: the whole of it; on a host: only that one" },
  { keys: ["Esc"], does: "Leave a field, a dialog, a selected line or the hosts", name: "leave" },
  { keys: ["?"], does: "This help", name: "help" },
];

const REMEMBERED = "tailon-agg.keys";

/** @returns {boolean} whether single letters are taken as keys */
export function keysOn() {
  return localStorage.getItem(REMEMBERED) !== "off";
}

/** @param {boolean} on */
export function setKeysOn(on) {
  localStorage.setItem(REMEMBERED, on ? "on" : "off");
}

/** What browsers call the keys whose names are other ones for people. @type {Record<string, string>} */
const CODES = { Space: " ", Esc: "Escape" };

/** @type {Record<string, keyof Actions>} */
const NAMED = Object.fromEntries(KEYS.flatMap(({ keys: [key], name }) => (name ? [[CODES[key] ?? key, name]] : [])));

/**
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key belongs to what has the focus
 */
function taken(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return true;
  if (document.querySelector("dialog[open], :popover-open")) return true;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("input, select, textarea")) {
    if (event.key === "Escape") target.blur();
    return true;
  }
  return (event.key === " " || event.key === "Enter") && target.closest("button, a, summary") !== null;
}

/**
 * @param {KeyboardEvent} event
 * @param {Actions} actions
 */
export function press(event, actions) {
  if (taken(event)) return;
  const letters = keysOn();
  const move = MOVES[event.key] ?? (letters ? { g: MOVES.Home, G: MOVES.End }[event.key] : undefined);
  const name = NAMED[event.key];
  if (!move && (!name || (!letters && event.key.length === 1 && event.key !== " "))) return;
  event.preventDefault();
  if (move) actions.move(move);
  else if (name && name !== "move") actions[name]();
}
