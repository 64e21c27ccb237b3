/**
 * `<host-panel>`: the hosts and groups at the side, each with its state, colour and switch.
 *
 * Properties: `hosts` (HostInfo[]), `sources` (SourceInfo[]), `on` (Set of names), `errors` (Map of names to the
 * errors of the last minute).
 * Event: `hosts-change` (detail: the new Set).
 */

import { palette } from "./colour.js";
import * as icons from "./icons.js";
import { HOT_ERRORS, SEARCH_FROM_HOSTS } from "./limits.js";
import { html, LitElement, nothing, repeat } from "./vendor/lit.js";
import { count, plural } from "./words.js";

/** @typedef {import("./types.js").HostInfo} HostInfo */

/** Seconds from which on they are worth a word. */
const LAG_S = 5;
const SKEW_S = 2;

const names = new Intl.Collator("en", { numeric: true });

/** @param {HostInfo} host */
const troubled = (host) => host.state === "failed" || host.state === "waiting";

export class HostPanel extends LitElement {
  /** @override */
  static properties = {
    hosts: { attribute: false },
    sources: { attribute: false },
    on: { attribute: false },
    errors: { attribute: false },
    search: { state: true },
  };

  constructor() {
    super();
    /** @type {HostInfo[]} */
    this.hosts = [];
    /** @type {import("./types.js").SourceInfo[]} */
    this.sources = [];
    /** @type {Set<string>} */
    this.on = new Set();
    /** @type {Map<string, number>} */
    this.errors = new Map();
    this.search = "";
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  /** @param {Iterable<string>} on */
  #change(on) {
    this.dispatchEvent(new CustomEvent("hosts-change", { detail: new Set(on) }));
  }

  /**
   * @param {string[]} of names
   * @param {boolean} on
   */
  #turn(of, on) {
    const set = new Set(this.on);
    for (const name of of) if (on) set.add(name); else set.delete(name);
    this.#change(set);
  }

  /** Only these; when it is only these already, all. @param {string[]} of names */
  #only(of) {
    const only = this.on.size === of.length && of.every((name) => this.on.has(name));
    this.#change(only ? this.hosts.map(({ name }) => name) : of);
  }

  /** @override */
  render() {
    const sorted = [...this.hosts].sort((a, b) => names.compare(a.name, b.name));
    const found = sorted.filter((host) => this.#found(host));
    const bad = found.filter(troubled);
    const rest = found.filter((host) => !troubled(host));
    return html`${this.#head()} ${this.#hottest()} ${this.hosts.length >= SEARCH_FROM_HOSTS ? this.#searchBox() : nothing} ${this.#groups()}
      ${bad.length ? this.#section("Need attention", bad, "bad") : nothing}
      ${rest.length ? this.#section("Hosts", rest, "") : nothing}
      ${found.length || !this.hosts.length ? nothing : html`<p class="quiet">No host is called “${this.search}”.</p>`}
      ${this.#ungated()}`;
  }

  /** @param {HostInfo} host */
  #found(host) {
    const text = this.search.trim().toLowerCase();
    const labels = Object.entries(host.labels).map(([key, value]) => `${key}:${value}`);
    return [host.name, host.address, host.state, ...host.groups, ...labels].some((word) => word.toLowerCase().includes(text));
  }

  #head() {
    if (!this.hosts.length) return nothing;
    const live = this.hosts.filter(({ state }) => state === "live").length;
    const failed = this.hosts.filter(({ state }) => state === "failed").length;
    const waiting = this.hosts.filter(({ state }) => state === "waiting").length;
    return html`<p class="tally" role="status">
      <span><strong>${live} of ${this.hosts.length}</strong> live</span>
      ${failed ? html`<span class="count failed">${failed} failed</span>` : nothing}
      ${waiting ? html`<span class="count waiting">${waiting} waiting</span>` : nothing}
    </p>`;
  }

  /** A word at the end about hosts that limit nothing themselves. */
  #ungated() {
    const open = this.hosts.filter(({ gated }) => gated === false);
    if (!open.length) return nothing;
    const which = open.length === this.hosts.length ? "all hosts" : plural(open.length, "host");
    return html`<p class="quiet" title="No gate on the host limits the key (tailon-agg gate): ${open.map(({ name }) => name).join(", ")}">
      ungated: ${which}</p>`;
  }

  /** The host with the most errors, if they are many, named where it is seen however long the list is. */
  #hottest() {
    const [name, n] = [...this.errors].reduce((most, each) => (each[1] > most[1] ? each : most), ["", 0]);
    if (n < HOT_ERRORS || this.hosts.length < 2) return nothing;
    return html`<button type="button" class="hottest" title="Show only ${name}" @click=${() => this.#only([name])}>
      ${icons.warning}<span><b>${name}</b>: ${plural(n, "error")} a minute</span></button>`;
  }

  #searchBox() {
    return html`<input class="host-search" type="search" placeholder="Find a host, group or label" aria-label="Find hosts"
      spellcheck="false" autocomplete="off" .value=${this.search}
      @input=${(/** @type {InputEvent} */ event) => (this.search = /** @type {HTMLInputElement} */ (event.target).value)} />`;
  }

  #groupNames() {
    return [...new Set(this.hosts.flatMap(({ groups }) => groups))].sort(names.compare);
  }

  /** Switches for many hosts at once: all of them, and each group. */
  #groups() {
    if (!this.hosts.length) return nothing;
    const groups = this.#groupNames();
    return html`<section class="groups" aria-label="Groups"><ul>
      ${this.#group("All hosts", this.hosts)}
      ${repeat(groups, (group) => group, (group) => this.#group(`@${group}`, this.hosts.filter((host) => host.groups.includes(group))))}
    </ul></section>`;
  }

  /**
   * @param {string} title
   * @param {HostInfo[]} members
   */
  #group(title, members) {
    const of = members.map(({ name }) => name);
    const on = of.filter((name) => this.on.has(name)).length;
    const live = members.filter(({ state }) => state === "live").length;
    const bad = members.some(troubled);
    const part = on > 0 && on < of.length;
    return html`<li class="group">
      <button type="button" role="switch" class="switch ${part ? "part" : ""}" aria-checked=${on === of.length}
        aria-label="${title}, ${on} of ${of.length} hosts on" @click=${() => this.#turn(of, on < of.length)}></button>
      <span class="name" title=${title}>${title}</span>
      <span class="word ${bad ? "some" : ""}" title="${live} of ${of.length} live">${live}/${of.length}</span>
      ${of.length < this.hosts.length
        ? html`<button type="button" class="only" aria-label="Only ${title}" @click=${() => this.#only(of)}>only</button>`
        : nothing}
    </li>`;
  }

  /**
   * @param {string} title
   * @param {HostInfo[]} hosts
   * @param {string} kind
   */
  #section(title, hosts, kind) {
    return html`<section class="hosts ${kind}" aria-label=${title}>
      <h2>${kind ? icons.warning : nothing}${title}
        ${hosts.some(({ name }) => this.errors.has(name)) ? html`<span class="unit">errors/min</span>` : nothing}</h2>
      <ul>${repeat(hosts, (host) => host.name, (host) => this.#host(host))}</ul>
    </section>`;
  }

  /** @param {HostInfo} host */
  #host(host) {
    const on = this.on.has(host.name);
    const { name, state } = host;
    return html`<li class="host ${palette.of(name)} ${state} ${on ? "" : "off"}">
      <button type="button" role="switch" class="switch" aria-checked=${on} aria-label="${name}, ${state}"
        @click=${() => this.#turn([name], !on)}></button>
      <span class="name" title=${about(host)} @dblclick=${() => this.#only([name])}>${name}</span>
      <span class="word">${this.#errorCount(host)} ${stateWord(host)}</span>
      <button type="button" class="only" aria-label="Only ${name}" @click=${() => this.#only([name])}>only</button>
      ${troubled(host) ? html`<p class="trouble">${host.error ?? `${state}, without a reason given`}</p>` : nothing}
      ${troubled(host) ? nothing : this.#files(name).map(([of, words]) => html`<p class="trouble ${of}">${words}</p>`)}
    </li>`;
  }

  /** @param {HostInfo} host */
  #errorCount({ name }) {
    const n = this.on.has(name) ? (this.errors.get(name) ?? 0) : 0;
    if (!n) return nothing;
    return html`<span class="errors ${heat(n, Math.max(...this.errors.values()))}"
      title="${plural(n, "error")} in this view in the last minute">${count(n)}</span>`;
  }

  /**
   * @param {string} host
   * @returns {[string, string][]} what is wrong with its files: state and words
   */
  #files(host) {
    return this.sources.flatMap(({ name, files }) =>
      files
        .filter((file) => file.host === host && file.error && (file.state === "failed" || file.state === "waiting"))
        .map((file) => /** @type {[string, string]} */ ([file.state, `${name}: ${file.error}`])),
    );
  }
}

/**
 * @param {HostInfo} host
 * @returns {string} what stands beside its name; nothing when all is well
 */
function stateWord(host) {
  if (host.state !== "live") return host.state === "connecting" ? "connecting…" : host.state;
  if (host.lag_s !== null && host.lag_s >= LAG_S) return `${Math.round(host.lag_s)} s behind`;
  if (host.clock_skew_s !== null && Math.abs(host.clock_skew_s) >= SKEW_S) return `clock ${signed(host.clock_skew_s)} s`;
  return "";
}

/**
 * @param {number} n errors of a host
 * @param {number} most errors of any
 * @returns {string} a class: the more of all errors are the host's, the more it stands out
 */
function heat(n, most) {
  if (n < HOT_ERRORS) return "";
  return n >= most / 2 ? "hot" : "warm";
}

/** @param {number} n */
function signed(n) {
  return `${n > 0 ? "+" : "−"}${Math.abs(n).toFixed(Math.abs(n) < 10 ? 1 : 0)}`;
}

/**
 * @param {HostInfo} host
 * @returns {string} all that is known, for the pointer that rests on it
 */
function about(host) {
  const labels = Object.entries(host.labels).map(([key, value]) => `${key}: ${value}`);
  const lines = [`${host.name} (${host.address})`, host.error ? `${host.state}: ${host.error}` : host.state];
  if (host.groups.length) lines.push(`groups: ${host.groups.join(", ")}`);
  if (labels.length) lines.push(labels.join(", "));
  if (host.clock_skew_s !== null) lines.push(`clock: ${signed(host.clock_skew_s)} s`);
  if (host.gated !== null && host.gated !== undefined) lines.push(host.gated ? "gated: its own gate lets the key read logs only" : "ungated");
  if (host.poll_s) lines.push(`looks for new lines every ${host.poll_s * 1000} ms`);
  lines.push("double click: only this host");
  return lines.join("\n");
}

customElements.define("host-panel", HostPanel);
