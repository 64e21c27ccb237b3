/**
 * The live connection of one view: a WebSocket that is opened anew by itself, with growing pauses, and goes on where
 * it was. The client sends nothing; another view is another socket, and the old one stays until the new one is open.
 */

import { asked, Refused, ROOT, whyRefused } from "./api.js";
import { RETRY_AUDIT_MS, RETRY_FIRST_MS, RETRY_LONGEST_MS, SILENCE_MS, URL_BYTES } from "./limits.js";
import { Resume } from "./resume.js";

/** @typedef {import("./types.js").View} View */
/** @typedef {import("./types.js").StreamRecord} StreamRecord */

/**
 * @typedef {object} Listener
 * @property {(records: StreamRecord[]) => void} records
 * @property {(fresh: boolean) => void} opened lines of the view follow; `fresh`: from its backlog, not from where it was
 * @property {(wait: number, told: boolean, why: string) => void} lost tried again after `wait` ms; `told`: an `end`
 *   record said why; `why`: what the server answered to the last attempt, if it did
 * @property {(error: Refused) => void} refused a person is needed; not tried again
 * @property {(reason: string) => void} ended by the server, for good
 */

/** @type {(host: string) => boolean} */
const everything = () => true;

export class Live {
  #listener;
  #resume = new Resume();
  /** The one whose lines are taken. @type {WebSocket|null} */
  #socket = null;
  /** The one that may take its place. @type {WebSocket|null} */
  #opening = null;
  /** @type {View|null} */
  #view = null;
  #lines = 0;
  #fresh = true;
  #wait = RETRY_FIRST_MS;
  #retry = 0;
  #silence = 0;
  /** Why the server said it ends, until the socket closes. */
  #end = "";
  /** Hosts that were switched off still send until the next socket is open. */
  #keep = everything;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /**
   * @param {View} view
   * @param {number} lines of backlog for each file that is not known
   * @param {boolean} resume go on after the lines that came already; false: begin anew, and keep the old view
   *   until the new one is open
   */
  open(view, lines, resume) {
    this.#view = view;
    this.#lines = lines;
    this.#wait = RETRY_FIRST_MS;
    this.#fresh ||= !resume;
    if (resume) this.#leave();
    this.#connect();
  }

  close() {
    this.#view = null;
    clearTimeout(this.#retry);
    this.#opening?.close(1000);
    this.#opening = null;
    this.#leave();
  }

  /** From now on, and until the next view is open, only these hosts count. @param {(host: string) => boolean} keep */
  keepOnly(keep) {
    this.#keep = keep;
    this.#resume.filter((file) => keep(file.split(" ", 1)[0]));
  }

  #leave() {
    clearTimeout(this.#silence);
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #connect() {
    clearTimeout(this.#retry);
    const view = this.#view;
    if (!view) return;
    const resume = this.#fresh ? new Resume() : this.#resume;
    const socket = new WebSocket(this.#address(view, resume));
    this.#opening?.close(1000);
    this.#opening = socket;
    socket.onopen = () => (this.#opening === socket ? this.#opened(socket, resume) : socket.close(1000));
    socket.onmessage = (event) => this.#socket === socket && this.#message(event.data);
    socket.onclose = () => {
      if (this.#opening === socket) this.#refused(view);
      else if (this.#socket === socket) this.#lost();
    };
  }

  /**
   * @param {View} view
   * @param {Resume} resume
   */
  #address(view, resume) {
    const query = asked(view);
    query.set("lines", String(this.#lines));
    const url = new URL(`${ROOT}ws?${query}`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const after = resume.begin(URL_BYTES - url.href.length);
    return url.href + after.map((position) => `&after=${encodeURIComponent(position)}`).join("");
  }

  /**
   * @param {WebSocket} socket
   * @param {Resume} resume
   */
  #opened(socket, resume) {
    this.#leave();
    const fresh = this.#fresh;
    [this.#socket, this.#opening, this.#resume] = [socket, null, resume];
    this.#fresh = false;
    this.#end = "";
    this.#keep = everything;
    this.#heard();
    this.#listener.opened(fresh);
  }

  /** @param {string} data a JSON array of records */
  #message(data) {
    this.#wait = RETRY_FIRST_MS;
    this.#heard();
    /** @type {StreamRecord[]} */
    const records = JSON.parse(data).filter((/** @type {{host?: string}} */ { host }) => !host || this.#keep(host));
    for (const record of records) if (record.type === "end") this.#end = record.reason;
    this.#listener.records(this.#resume.take(records));
  }

  /** The server is there; when it says nothing for long, not even a tick, it is not. */
  #heard() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#leave();
      this.#lost();
    }, SILENCE_MS);
  }

  #lost() {
    this.#leave();
    if (this.#end === "complete" || this.#end === "revoked") this.#listener.ended(this.#end);
    else if (this.#view && !this.#opening) this.#again();
  }

  /** @param {View} view whose socket did not open */
  async #refused(view) {
    this.#opening = null;
    const refused = await whyRefused(view).catch(() => null);
    if (this.#view !== view || this.#opening) return;
    if (refused && refused.status < 500 && refused.status !== 429) this.#listener.refused(refused);
    else this.#again(refused?.message);
  }

  #again(why = "") {
    const jitter = 0.5 + Math.random() / 2;
    const wait = this.#end === "audit-unavailable" ? RETRY_AUDIT_MS : Math.round(this.#wait * jitter);
    this.#wait = Math.min(this.#wait * 2, RETRY_LONGEST_MS);
    this.#listener.lost(wait, this.#end !== "", why);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait);
  }
}
