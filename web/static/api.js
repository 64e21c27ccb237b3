/** What the page asks of the server, by plain requests. */

import { raw } from "./raw.js";

/** @typedef {import("./types.js").View} View */
/** @typedef {import("./types.js").Fault} Fault */

/** The folder of the page: `/`, or what `--relative-root` says. */
export const ROOT = document.documentElement.dataset.root ?? "/";

/** A request that was answered with an error; `faults` name what was wrong with the parameters. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {Fault[]} faults
   */
  constructor(status, detail, faults) {
    super(detail);
    this.status = status;
    this.faults = faults;
  }

  /** Whether the place is no longer there: asking again does not help. */
  get gone() {
    return this.status === 410;
  }
}

/**
 * @param {unknown} error of a request
 * @returns {string} what it says to the reader
 */
export function words(error) {
  return error instanceof Refused ? error.message : "the server does not answer";
}

/**
 * @param {Refused} error of a view
 * @returns {string} what is wrong with it; faults of a pattern stand at its field
 */
export function refusedWords({ faults, message }) {
  const others = faults.filter(({ parameter }) => parameter !== "grep" && parameter !== "exclude");
  const words = (others.length ? others : faults).map(({ parameter, detail }) => `${parameter}: ${detail}`);
  return words.join("; ") || message;
}

/**
 * @param {Response} response not ok
 * @returns {Promise<Refused>}
 */
export async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const detail = problem.detail || problem.title || `the server answered ${response.status}`;
  return new Refused(response.status, String(detail), Array.isArray(problem.errors) ? problem.errors : []);
}

/** The last answers: the same text is the same object, so that nothing is drawn anew. @type {Map<string, {text: string, value: any[]}>} */
const answers = new Map();

/** Milliseconds that the server's clock is ahead of the browser's, to a second. */
let ahead = 0;

/** @returns {number} ms since the epoch, by the server's clock */
export function serverNow() {
  return Date.now() + ahead;
}

/**
 * @param {string} name `hosts` or `sources`
 * @returns {Promise<any[]>}
 */
async function list(name) {
  const response = await fetch(`${ROOT}api/v1/${name}`, { headers: { accept: "application/json" } });
  if (!response.ok) throw await refusal(response);
  const said = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(said)) ahead = said - Date.now();
  const text = await response.text();
  const last = answers.get(name);
  if (last?.text === text) return last.value;
  const value = JSON.parse(text);
  answers.set(name, { text, value });
  return value;
}

/** @returns {Promise<import("./types.js").HostInfo[]>} */
export function hosts() {
  return list("hosts");
}

/** @returns {Promise<import("./types.js").SourceInfo[]>} */
export function sources() {
  return list("sources");
}

/** @returns {Promise<import("./types.js").Me>} */
export async function whoami() {
  const response = await fetch(`${ROOT}api/v1/whoami`, { headers: { accept: "application/json" } });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/**
 * @param {View} view
 * @returns {URLSearchParams} what the view is, as in the page's own URL
 */
export function parameters(view) {
  const query = new URLSearchParams();
  if (view.hosts) query.set("hosts", view.hosts);
  for (const source of view.source) query.append("source", source);
  for (const pattern of view.grep) query.append("grep", pattern);
  for (const pattern of view.exclude) query.append("exclude", pattern);
  if (view.level) query.set("level", view.level);
  return query;
}

/**
 * @param {View} view
 * @returns {URLSearchParams} the parameters of a request for its lines
 */
export function asked(view) {
  return withReason(parameters(view), raw.reason);
}

/**
 * @param {URLSearchParams} query
 * @param {string} reason empty: without secrets
 * @returns {URLSearchParams} the same, for text with its secrets where there is a reason
 */
function withReason(query, reason) {
  if (reason) {
    query.set("raw", "1");
    query.set("reason", reason);
  }
  return query;
}

/**
 * What a gap left out, as far as the view shows it.
 *
 * @param {import("./types.js").GapRecord} gap with `from` and `to`
 * @param {View} view
 * @param {number} limit lines at most
 * @returns {Promise<import("./types.js").LinesPage>}
 * @throws {Refused} 410: the lines are gone
 * @throws {TypeError} the server can't be reached
 */
export async function missing(gap, view, limit) {
  const query = asked({ ...view, hosts: "", source: [] });
  query.set("from", gap.from ?? "");
  query.set("to", gap.to ?? "");
  query.set("limit", String(limit));
  if (gap.cursor) query.set("cursor", gap.cursor);
  const response = await fetch(`${ROOT}api/v1/lines?${query}`, { headers: { accept: "application/json" } });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/**
 * A line and its neighbours in its own file, unfiltered.
 *
 * @param {string} position
 * @param {{before: number, after: number}} lines at most, on each side
 * @param {AbortSignal} [signal] that nobody waits any more
 * @param {string} [reason] to show their secrets; empty: they are hidden
 * @returns {Promise<import("./types.js").LinesPage>}
 * @throws {Refused} `gone`: the line is
 * @throws {TypeError} the server can't be reached
 */
export async function around(position, { before, after }, signal, reason = raw.reason) {
  const query = withReason(new URLSearchParams({ position, before: String(before), after: String(after) }), reason);
  const response = await fetch(`${ROOT}api/v1/context?${query}`, { headers: { accept: "application/json" }, signal });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/**
 * Why a socket was refused: a WebSocket can't tell, so the same view is asked for as a request, without lines.
 *
 * @param {View} view
 * @returns {Promise<Refused|null>} null: nothing is wrong with the view
 * @throws {TypeError} the server can't be reached
 */
export async function whyRefused(view) {
  const query = asked(view);
  query.set("follow", "0");
  query.set("lines", "0");
  const stop = new AbortController();
  try {
    const response = await fetch(`${ROOT}api/v1/stream?${query}`, { signal: stop.signal });
    return response.ok ? null : await refusal(response);
  } finally {
    stop.abort();
  }
}
