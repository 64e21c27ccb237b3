/** `<tailon-app>`: the whole page. Its state is the URL's; a Session knows and connects, the elements show. */

import "./details.js";
import "./filters.js";
import "./help.js";
import "./hosts.js";
import "./list.js";
import "./past-status.js";
import "./range-picker.js";
import "./range-strip.js";
import "./status.js";
import "./tools.js";
import "./who.js";
import { words } from "./api.js";
import { empty } from "./empty.js";
import { download } from "./history.js";
import * as icons from "./icons.js";
import { press } from "./keys.js";
import { hostWidth, narrow, sourceWidth, theme } from "./looks.js";
import { raw } from "./raw.js";
import { selectorOf } from "./selector.js";
import { Session } from "./session.js";
import * as url from "./url.js";
import { html, LitElement, nothing } from "./vendor/lit.js";
import { plural, stamp } from "./words.js";

/** Milliseconds between two counts of lines a second. */
const RATE_MS = 1_000;

/** @typedef {import("./url.js").PageState} PageState */

export class TailonApp extends LitElement {
  /** @override */
  static properties = {
    state: { state: true },
    drawer: { state: true },
    filters: { state: true },
    figures: { state: true },
    errors: { state: true },
    notice: { state: true },
  };

  /** Rows there were when the reader left the end. */
  #seen = 0;
  #session;

  constructor() {
    super();
    this.state = url.read(location.search);
    this.drawer = false;
    this.filters = false;
    this.figures = { held: 0, dropped: 0, added: 0, rate: 0, fresh: 0 };
    this.errors = new Map();
    /** What could not be done; empty: nothing. */
    this.notice = "";
    this.#session = new Session(this.state, {
      changed: () => this.#changed(),
      arrived: () => this.#arrived(),
      hold: (change) => this.#list.hold(change),
      reveal: (row) => this.#list.reveal(row),
      look: () => this.#look(),
      cleared: () => this.#cleared(),
    });
  }

  /** @override */
  createRenderRoot() {
    return this;
  }

  get #list() {
    return /** @type {import("./list.js").LogList} */ (this.querySelector("log-list"));
  }

  /** @override */
  firstUpdated() {
    this.#list.store = this.#session.store;
    this.#title();
    this.#look();
    window.addEventListener("popstate", () => this.#apply(url.read(location.search)));
    window.addEventListener("keydown", (event) => press(event, this.#actions()));
    setInterval(() => this.#count(), RATE_MS);
    this.#session.start();
  }

  /** @param {Partial<PageState>} change by the reader: what the server is asked is a new entry of the history */
  #set(change) {
    const state = { ...this.state, ...change };
    const asked = "hosts" in change || !url.sameFilter(state, this.state);
    history[asked ? "pushState" : "replaceState"](null, "", url.write(state));
    this.#apply(state);
  }

  /** @param {PageState} state */
  #apply(state) {
    this.state = state;
    this.notice = "";
    this.#title();
    this.#look();
    this.#session.show(state);
  }

  /** Tabs beside each other are told apart. */
  #title() {
    const { hosts, source, grep } = this.state;
    document.title = [grep.join(" & "), hosts, source.join(", "), "tailon-agg"].filter(Boolean).join(" · ");
  }

  /** How rows look: columns, clock, wrapping. */
  #look() {
    const { hosts, sources } = this.#session;
    const several = this.state.source.length !== 1 && sources.length > 1;
    this.#list.style.setProperty("--host-width", hostWidth(hosts));
    this.#list.style.setProperty("--source-width", several ? sourceWidth(sources) : "0px");
    this.#list.wrap = this.state.wrap;
    this.#list.display = { utc: this.state.utc, sources: several, today: stamp(Date.now(), this.state.utc).day };
  }

  #changed() {
    this.requestUpdate();
    if (this.#session.past.begun && this.hasUpdated) this.#list.frontier = this.#session.past.frontier;
  }

  #arrived() {
    this.#list.request();
    if ((this.#session.store.count === 0) !== (this.figures.held === 0)) this.#count();
  }

  #cleared() {
    this.#list.end();
    this.#seen = 0;
    this.#arrived();
  }

  #count() {
    const { count: held, dropped, added } = this.#session.store;
    const fresh = this.#list.follow ? 0 : Math.max(0, added - this.#seen);
    this.figures = { held, dropped, added, rate: Math.max(0, added - this.figures.added), fresh };
    if (!this.#session.paused) this.errors = this.#session.errors;
  }

  #followChanged() {
    const session = this.#session;
    const { follow } = this.#list;
    session.store.reading = !follow && session.past.begun;
    this.#list.frontier = follow ? null : session.frontier;
    if (follow && !session.isPast && !session.store.attached) session.open(false);
    this.#seen = session.store.added;
    this.#count();
  }

  async #download() {
    try {
      const { url, without } = await download(this.#session.question);
      this.notice = without ? `Downloaded without ${without}, which can't be read now` : "";
      location.assign(url);
    } catch (error) {
      this.notice = `Not downloaded: ${words(error)}`;
    }
  }

  /** @returns {import("./keys.js").Actions} */
  #actions() {
    return {
      pattern: () => /** @type {HTMLElement} */ (this.querySelector("filter-bar")).focus(),
      pause: () => (this.#session.paused = !this.#session.isPast && !this.#session.paused),
      help: () => /** @type {import("./help.js").HelpDialog} */ (this.querySelector("help-dialog")).show(),
      wrap: () => this.#set({ wrap: !this.state.wrap }),
      time: () => this.#set({ utc: !this.state.utc }),
      range: () => /** @type {import("./range-picker.js").RangePicker} */ (this.querySelector("range-picker")).open(),
      hosts: () => (this.drawer = !this.drawer),
      filters: () => (this.filters = !this.filters),
      theme,
      leave: () => this.#list.deselect() || (narrow() && (this.drawer = false)),
      open: () => this.#list.open(),
      move: (move) => move(this.#list),
    };
  }

  #clearFilters() {
    this.#set({ grep: [], exclude: [], level: "", source: [] });
  }

  /** @override */
  render() {
    const session = this.#session;
    return html`<header class="bar">
        <button type="button" class="icon-button menu" aria-label="Hosts" aria-expanded=${this.drawer === narrow()} title="Hosts (h)"
          @click=${() => (this.drawer = !this.drawer)}>${icons.menu}</button>
        <h1 class="brand">tailon<b>-agg</b></h1>
        <filter-bar .view=${this.state} .sources=${session.sources} .faults=${session.faults} ?open=${this.filters}
          @filter-change=${(/** @type {CustomEvent} */ event) => this.#set(event.detail)}></filter-bar>
        <range-picker .view=${this.state} ?utc=${this.state.utc} @zone-change=${() => this.#set({ utc: !this.state.utc })}
          @range-change=${(/** @type {CustomEvent} */ event) => this.#set(event.detail)}></range-picker>
        <tool-bar ?paused=${session.paused} ?past=${session.isPast} ?wrap=${this.state.wrap} ?utc=${this.state.utc} ?filters=${this.filters}
          @tool=${(/** @type {CustomEvent<"pause">} */ event) => this.#actions()[event.detail]()}></tool-bar>
      </header>
      <div class="body ${this.drawer ? "drawer" : ""}">
        <aside class="panel" aria-label="Hosts and groups">
          <host-panel .hosts=${session.hosts} .sources=${session.sources} .on=${session.on} .errors=${this.errors}
            @hosts-change=${(/** @type {CustomEvent} */ event) => this.#set({ hosts: selectorOf(event.detail, session.hosts) })}></host-panel>
          <who-am-i></who-am-i>
        </aside>
        <button type="button" class="shade" tabindex="-1" aria-label="Close the hosts" @click=${() => (this.drawer = false)}></button>
        <main class="main">${this.#main()}</main>
      </div>
      <line-details ?utc=${this.state.utc} .link=${(/** @type {string} */ position) => url.link(this.state, position)}
        @reveal=${(/** @type {CustomEvent<string>} */ event) => this.#raw(event.detail)}></line-details><help-dialog></help-dialog>`;
  }

  #main() {
    const { connection, paused, pending, past } = this.#session;
    const { held, dropped, rate } = this.figures;
    const cost = connection.state === "past" && past.reading?.hosts.size && { ...connection, words: `${past.busy ? "reading" : "read"} ${past.reading.words}` };
    return html`${this.#strip()} ${this.#revealed()} ${this.#banner()}
      <div class="view">
        <log-list @follow-change=${() => this.#followChanged()} @pick=${(/** @type {CustomEvent} */ event) => this.#pick(event)}
          @edge=${(/** @type {CustomEvent} */ event) => this.#session.near(event.detail, this.#list.upper)}
          @fill=${(/** @type {CustomEvent} */ event) => this.#session.fill(event.detail)}></log-list>
        ${held ? nothing : empty(this.#situation())} ${this.#reading()} ${this.#pill()}
      </div>
      <status-line .connection=${cost || connection} .held=${held} .dropped=${dropped} .rate=${rate} .waiting=${pending}
        .paused=${paused}></status-line>`;
  }

  /** What belongs to a range of time: its counts, the whole of it as a file. */
  #strip() {
    const { isPast, counts } = this.#session;
    if (!isPast) return nothing;
    return html`<range-strip .view=${this.state} .histogram=${counts.data} ?busy=${counts.busy} .problem=${counts.problem} ?utc=${this.state.utc}
      @narrow=${(/** @type {CustomEvent} */ event) => this.#set({ ...event.detail, at: "" })} @reload=${() => this.#session.reload(null)}
      @download=${() => this.#download()} @live=${() => this.#set({ since: "", until: "", at: "" })}></range-strip>`;
  }

  #reading() {
    const { past } = this.#session;
    const upper = () => this.#list.upper;
    return html`<past-status ?busy=${past.busy !== null} .reading=${past.reading} .stamp=${past.news} .problem=${past.problem}
      .failed=${past.failed} .notes=${past.notes} ?halted=${past.halted} @stop=${() => this.#session.stop()} @again=${() => past.again()}
      @allow=${(/** @type {CustomEvent<number>} */ event) => this.#session.reload(upper(), event.detail)}
      @reload=${() => this.#session.reload(upper())}></past-status>`;
  }

  /** Read the view again, with its secrets or without. @param {string} reason empty: without */
  #raw(reason) {
    raw.reason = reason;
    this.notice = "";
    this.#session.renew();
  }

  /** That hidden text is shown, for as long as it is. */
  #revealed() {
    if (!raw.reason) return nothing;
    return html`<p class="banner raw" role="status">${icons.eye}<span>Hidden text is shown, on record: <q>${raw.reason}</q></span>
      <button type="button" class="button" @click=${() => this.#raw("")}>Hide it again</button></p>`;
  }

  /** Why what is seen is not what was asked for; faults of a pattern stand at its field instead. */
  #banner() {
    if (this.notice) return html`<p class="banner" role="alert">${icons.warning}<span>${this.notice}.</span></p>`;
    const { connection, faults } = this.#session;
    const { state, words } = connection;
    if (!this.figures.held || (state !== "refused" && state !== "ended")) return nothing;
    if (faults.length && faults.every(({ parameter }) => parameter === "grep" || parameter === "exclude")) return nothing;
    const before = state === "refused" ? "The server refused this view; below are the lines from before. " : "";
    return html`<p class="banner" role="alert">${icons.warning}<span>${before}${words}</span></p>`;
  }

  #pill() {
    const { paused, isPast } = this.#session;
    if (paused || isPast || !this.figures.held || this.#list.follow) return nothing;
    const { fresh } = this.figures;
    return html`<button type="button" class="pill" @click=${() => this.#list.end()}>
      ${icons.down}${fresh ? plural(fresh, "new line") : "Follow"}</button>`;
  }

  #situation() {
    const { connection, hosts, loaded, on, past } = this.#session;
    return {
      connection,
      hosts,
      loaded,
      on,
      view: this.state,
      reading: past.busy ? past.reading?.words || "Asking the hosts." : "",
      trouble: past.problem !== "" || past.failed.length > 0,
      range: (/** @type {string} */ since) => this.#set({ since, until: "", at: "" }),
      allOn: () => this.#set({ hosts: "" }),
      clearFilters: () => this.#clearFilters(),
    };
  }

  /** @param {CustomEvent<import("./types.js").LineRow>} event */
  #pick(event) {
    /** @type {import("./details.js").LineDetails} */ (this.querySelector("line-details")).show(event.detail);
  }
}

customElements.define("tailon-app", TailonApp);
