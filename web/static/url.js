/** The state of the page in its URL, which is the permalink. */

import { parameters } from "./api.js";

/**
 * @typedef {object} Look how the page shows it
 * @property {boolean} wrap
 * @property {boolean} utc
 *
 * @typedef {import("./types.js").View & Look} PageState
 */

/** What is of the past. @type {("since"|"until"|"at")[]} */
const TIMES = ["since", "until", "at"];

/**
 * @param {string} search `location.search`
 * @returns {PageState}
 */
export function read(search) {
  const query = new URLSearchParams(search);
  return {
    hosts: union(query.getAll("hosts").filter(Boolean)),
    source: query.getAll("source").filter(Boolean),
    grep: query.getAll("grep").filter(Boolean),
    exclude: query.getAll("exclude").filter(Boolean),
    level: query.get("level") ?? "",
    since: query.get("since") ?? "",
    until: query.get("until") ?? "",
    at: query.get("at") ?? "",
    wrap: query.get("wrap") === "1",
    utc: query.get("time") === "utc",
  };
}

/**
 * Several selectors as one. Operators go from left to right, so the one that has any but the comma goes first.
 *
 * @param {string[]} selectors
 * @returns {string}
 */
function union(selectors) {
  const first = selectors.filter((selector) => /[!&^]/.test(selector));
  return [...first, ...selectors.filter((selector) => !first.includes(selector))].join(",");
}

/**
 * @param {PageState} state
 * @returns {string} the path and query to show
 */
export function write(state) {
  const query = parameters(state);
  for (const name of TIMES) if (state[name]) query.set(name, state[name]);
  if (state.wrap) query.set("wrap", "1");
  if (state.utc) query.set("time", "utc");
  // Commas, @, ! and the like are legal in a query and far easier to read as they are.
  const text = query.toString().replace(/%(2C|40|21|3A|2F|5B|5D|2A|7C|28|29)/g, (escaped) => decodeURIComponent(escaped));
  return location.pathname + (text ? `?${text}` : "");
}

/**
 * A link to one line among those around it: without the patterns, which hide them.
 *
 * @param {PageState} state
 * @param {string} position
 * @returns {string} absolute
 */
export function link(state, position) {
  return new URL(write({ ...state, grep: [], exclude: [], level: "", since: "", until: "", at: position }), location.href).href;
}

/**
 * @param {import("./types.js").View} a
 * @param {import("./types.js").View} b
 * @returns {boolean} whether both ask the server for the same lines, hosts aside
 */
export function sameFilter(a, b) {
  if (TIMES.some((name) => a[name] !== b[name])) return false;
  return parameters({ ...a, hosts: "" }).toString() === parameters({ ...b, hosts: "" }).toString();
}
