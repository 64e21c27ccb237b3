/** What stands in the place of lines when there are none: why, and what to do. */

import { html, nothing } from "./vendor/lit.js";

/**
 * @typedef {object} Situation
 * @property {import("./status.js").Connection} connection
 * @property {import("./types.js").HostInfo[]} hosts
 * @property {boolean} loaded whether the hosts are known
 * @property {Set<string>} on
 * @property {import("./types.js").View} view
 * @property {() => void} allOn
 * @property {string} reading what is being read of the past; empty: nothing is
 * @property {boolean} trouble it could not be read
 * @property {() => void} clearFilters
 * @property {(since: string) => void} range shows what is that long ago; empty: what is live
 */

/**
 * @param {string} title
 * @param {unknown} words
 * @param {unknown} [action]
 */
function say(title, words, action = nothing) {
  return html`<div class="empty"><h2>${title}</h2><p>${words}</p><div class="actions">${action}</div></div>`;
}

/** @param {Situation} at */
export function empty(at) {
  const { connection, hosts, on, view } = at;
  if (connection.state === "lost") return say("Waiting for the server", connection.words);
  if (!at.loaded) return say("Connecting…", "Asking for the hosts.");
  if (connection.state === "refused") {
    return say("The server refused this view", connection.words, button("Show everything", () => (at.clearFilters(), at.allOn())));
  }
  if (connection.state === "ended") return say("The view has ended", connection.words);
  if (!hosts.length) return say("No hosts", "The inventory has no host that you may see.");
  if (!on.size) return say("All hosts are off", "Switch some on at the side.", button("Turn all on", at.allOn));
  if (connection.state === "connecting") return say("Connecting…", "Opening the view.");
  if (connection.state === "gone") return say("This line is gone", `${connection.words}.`, button("Live view", () => at.range("")));
  const filtered = Boolean(view.grep.length || view.exclude.length || view.level);
  if (connection.state === "past") return past(at, filtered);
  if (filtered) {
    const search = html`${button("Search the last hour", () => at.range("-1h"))} ${button("24 hours", () => at.range("-24h"))}`;
    return say("No line matches", "New lines that match appear here.", html`${search} ${button("Clear the filters", at.clearFilters)}`);
  }
  return say("No lines yet", awaited(hosts.filter(({ name }) => on.has(name))));
}

/**
 * @param {Situation} at
 * @param {boolean} filtered
 */
function past(at, filtered) {
  if (at.reading) return say(filtered ? "Searching…" : "Reading…", at.reading);
  if (at.trouble) return say("Not read to the end", "No line was found up to there.");
  const clear = filtered ? button("Clear the filters", at.clearFilters) : nothing;
  return say(filtered ? "No line matches" : "No lines", "None of this time is on the hosts.", html`${clear} ${button("Live view", () => at.range(""))}`);
}

/**
 * @param {import("./types.js").HostInfo[]} hosts those that are on
 * @returns {string}
 */
function awaited(hosts) {
  const connecting = hosts.filter(({ state }) => state === "connecting" || state === "idle").length;
  const bad = hosts.filter(({ state }) => state === "failed" || state === "waiting").length;
  if (bad === hosts.length) return "No host can be reached: the words beside each say why.";
  if (connecting) return `Connecting to ${connecting} of ${hosts.length} hosts.`;
  return "The logs are open; lines appear here as they are written.";
}

/**
 * @param {string} words
 * @param {() => void} action
 */
function button(words, action) {
  return html`<button type="button" class="button" @click=${action}>${words}</button>`;
}
