/**
 * Host sets in the browser: which hosts a selector names, and the shortest selector for a set of hosts. The grammar
 * is ClusterShell's as the server has it: names with [ranges] and wildcards, `@group`, `@label:value`, `@*`, joined
 * by `,` `&` `!` `^` from left to right. What is unknown names nothing here; the server is the one to complain.
 */

import { fold } from "./fold.js";

/** @typedef {import("./types.js").HostInfo} HostInfo */

const OPERATORS = ",&!^";
/** Names that one bracket may expand to: more than any inventory, and short of a hang. */
const MOST_NAMES = 20_000;

/**
 * @param {string} selector
 * @param {HostInfo[]} hosts all there are
 * @returns {Set<string>} names
 */
export function evaluate(selector, hosts) {
  let set = new Set();
  let operator = ",";
  for (const part of split(selector)) {
    if (OPERATORS.includes(part)) operator = part;
    else set = join(set, operator, new Set(term(part, hosts)));
  }
  return set;
}

/**
 * @param {Set<string>} left
 * @param {string} operator
 * @param {Set<string>} right
 * @returns {Set<string>}
 */
function join(left, operator, right) {
  const both = [...left].filter((name) => right.has(name));
  if (operator === "&") return new Set(both);
  const onlyLeft = [...left].filter((name) => !right.has(name));
  if (operator === "!") return new Set(onlyLeft);
  const onlyRight = [...right].filter((name) => !left.has(name));
  return new Set(operator === "^" ? [...onlyLeft, ...onlyRight] : [...left, ...onlyRight]);
}

/**
 * @param {string} selector
 * @returns {string[]} terms and operators; those inside brackets belong to their term
 */
function split(selector) {
  const parts = [""];
  let depth = 0;
  for (const char of selector) {
    if (char === "[") depth += 1;
    if (char === "]") depth -= 1;
    if (depth === 0 && OPERATORS.includes(char)) parts.push(char, "");
    else parts[parts.length - 1] += char;
  }
  return parts.filter(Boolean);
}

/**
 * @param {string} text one term
 * @param {HostInfo[]} hosts
 * @returns {string[]} names
 */
function term(text, hosts) {
  if (text === "@*" || text === "*") return hosts.map(({ name }) => name);
  if (text.startsWith("@")) return expand(text.slice(1)).flatMap((name) => named(name, hosts));
  const names = hosts.map(({ name }) => name);
  if (/[*?]/.test(text)) return expand(text).flatMap((pattern) => names.filter((name) => matches(pattern, name)));
  const wanted = new Set(expand(text));
  return names.filter((name) => wanted.has(name));
}

/**
 * @param {string} name of a group, or `label:value`; both sides may hold colons, the shortest label that fits is it
 * @param {HostInfo[]} hosts
 * @returns {string[]} names
 */
function named(name, hosts) {
  let found = hosts.filter(({ groups }) => groups.includes(name));
  for (let colon = name.indexOf(":"); !found.length && colon >= 0; colon = name.indexOf(":", colon + 1)) {
    const [label, value] = [name.slice(0, colon), name.slice(colon + 1)];
    found = hosts.filter(({ labels }) => label in labels && (value === "*" || labels[label] === value));
  }
  return found.map((host) => host.name);
}

/**
 * @param {string} text with `[1-3,7]` brackets, which may stand several times
 * @returns {string[]}
 */
function expand(text) {
  const open = text.indexOf("[");
  const close = text.indexOf("]", open);
  if (open < 0 || close < 0) return [text];
  const rest = expand(text.slice(close + 1));
  const out = [];
  for (const range of text.slice(open + 1, close).split(",")) {
    for (const number of numbers(range)) {
      for (const end of rest) out.push(text.slice(0, open) + number + end);
      if (out.length > MOST_NAMES) return [];
    }
  }
  return out;
}

/**
 * @param {string} range `7`, `1-3`, `01-20/2`
 * @returns {string[]} padded as it begins
 */
function numbers(range) {
  const [bounds, step = "1"] = range.split("/");
  const [from, to = from] = bounds.split("-");
  const out = [];
  for (let n = Number(from); n <= Number(to) && out.length <= MOST_NAMES; n += Math.max(1, Number(step) || 1)) {
    out.push(String(n).padStart(from.length, "0"));
  }
  return out;
}

/**
 * Wildcards without a regular expression, which a hostile link could make slow.
 *
 * @param {string} pattern with `*` and `?`
 * @param {string} name
 * @returns {boolean}
 */
export function matches(pattern, name) {
  let p = 0;
  let star = -1;
  let back = 0;
  for (let n = 0; n < name.length; ) {
    if (pattern[p] === name[n] || pattern[p] === "?") [p, n] = [p + 1, n + 1];
    else if (pattern[p] === "*") [star, back, p] = [p, n, p + 1];
    else if (star >= 0) [p, back, n] = [star + 1, back + 1, back + 1];
    else return false;
  }
  while (pattern[p] === "*") p += 1;
  return p === pattern.length;
}

/**
 * @param {Set<string>} on
 * @param {HostInfo[]} hosts all there are
 * @returns {string} the shortest selector that we know for these; empty: all
 */
export function selectorOf(on, hosts) {
  const names = hosts.map(({ name }) => name);
  const [ins, outs] = [names.filter((name) => on.has(name)), names.filter((name) => !on.has(name))];
  if (!outs.length) return "";
  if (!ins.length) return "@*!@*";
  const groups = [...new Set(hosts.flatMap((host) => host.groups))].filter((group) => {
    const members = hosts.filter((host) => host.groups.includes(group));
    return members.length === ins.length && members.every(({ name }) => on.has(name));
  });
  const ways = [...groups.map((group) => `@${group}`), fold(ins).join(","), `@*!${fold(outs).join("!")}`];
  return ways.reduce((best, way) => (way.length < best.length ? way : best));
}
