/** What the page asks of the past: lines while they are found, counts, files. */

import { asked, refusal, Refused, ROOT } from "./api.js";
import { endSentence } from "./words.js";

/** @typedef {import("./types.js").View} View */
/** @typedef {import("./types.js").LineRecord} LineRecord */
/** @typedef {import("./types.js").ProgressRecord} ProgressRecord */
/** @typedef {import("./types.js").Answered} Answered */
/** @typedef {import("./types.js").CountsRecord} CountsRecord */
/** @typedef {import("./types.js").TotalRecord} TotalRecord */
/** @typedef {import("./types.js").CountedRecord} CountedRecord */
/** @typedef {LineRecord|ProgressRecord|(Answered & {type: "end"})} PastRecord */

/**
 * @typedef {object} Question about the past of a view
 * @property {View} view whose hosts, sources and filters hold
 * @property {string} since RFC 3339 or relative; empty: from the beginning
 * @property {string} until the same; empty: now
 * @property {number} maxScan bytes that each host may read; 0: what the server allows unasked
 */

/** @param {Question} question */
function about({ view, since, until, maxScan }) {
  const query = asked(view);
  if (since) query.set("since", since);
  if (until) query.set("until", until);
  if (maxScan) query.set("max_scan", String(maxScan));
  return query;
}

/**
 * A page of lines. `take` gets them as they are found: newest first when backward.
 *
 * @param {Question & {direction: "backward"|"forward", cursor: string|null, limit: number}} question
 * @param {(records: PastRecord[]) => void} take called with no records as soon as the server accepts the question
 * @param {AbortSignal} signal stops it, on the hosts too
 * @returns {Promise<Answered>}
 * @throws {import("./api.js").Refused}
 * @throws {TypeError} the server can't be reached, or stopped in the middle
 */
export async function lines(question, take, signal) {
  const query = about(question);
  query.set("direction", question.direction);
  query.set("limit", String(question.limit));
  query.set("format", "ndjson");
  if (question.cursor) query.set("cursor", question.cursor);
  const response = await fetch(`${ROOT}api/v1/lines?${query}`, { signal });
  if (!response.ok || !response.body) throw await refusal(response);
  take([]);
  if (response.headers.get("content-type")?.includes("application/json")) return whole(await response.json(), question.direction, take);
  for await (const records of /** @type {AsyncGenerator<PastRecord[]>} */ (ndjson(response.body))) {
    const end = records.find(({ type }) => type === "end");
    take(records);
    if (end) return /** @type {Answered} */ (end);
  }
  throw new TypeError("the answer has no end");
}

/**
 * @param {import("./types.js").LinesPage & Answered} page of a server that gives it out as a whole, oldest first
 * @param {"backward"|"forward"} direction
 * @param {(records: PastRecord[]) => void} take
 * @returns {Answered}
 */
function whole(page, direction, take) {
  take(direction === "backward" ? [...page.lines].reverse() : page.lines);
  return page;
}

/**
 * @template T
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<T[]>} the records of each part that came
 */
async function* ndjson(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const whole = (rest + decoder.decode(part.value, { stream: true })).split("\n");
    rest = whole.pop() ?? "";
    if (whole.length) yield whole.filter(Boolean).map((line) => JSON.parse(line));
  }
}

/**
 * An estimate of the counts: without hosts that are slow.
 *
 * @param {Question} question
 * @param {number} buckets
 * @param {AbortSignal} signal
 * @returns {Promise<import("./types.js").Histogram>}
 * @throws {import("./api.js").Refused}
 * @throws {TypeError}
 */
export async function estimate(question, buckets, signal) {
  const query = about(question);
  query.set("buckets", String(buckets));
  query.set("exact", "0");
  const response = await fetch(`${ROOT}api/v1/histogram?${query}`, { signal, headers: { accept: "application/json" } });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/**
 * The counts, while they grow.
 *
 * @param {Question} question
 * @param {number} buckets
 * @param {(so_far: CountsRecord, total: TotalRecord|undefined) => void} take
 * @param {AbortSignal} signal stops it, on the hosts too
 * @returns {Promise<import("./types.js").Histogram>} all of them
 * @throws {import("./api.js").Refused}
 * @throws {TypeError}
 */
export async function counting(question, buckets, take, signal) {
  const query = about(question);
  query.set("buckets", String(buckets));
  query.set("format", "ndjson");
  const response = await fetch(`${ROOT}api/v1/histogram?${query}`, { signal });
  if (!response.ok || !response.body) throw await refusal(response);
  if (response.headers.get("content-type")?.includes("application/json")) return response.json();
  /** @type {CountsRecord|undefined} */
  let counts;
  for await (const records of /** @type {AsyncGenerator<(CountsRecord|TotalRecord|CountedRecord)[]>} */ (ndjson(response.body))) {
    /** @type {TotalRecord|undefined} */
    let total;
    for (const record of records) {
      if (record.type === "end") return counted(record);
      if (record.type === "counts") counts = record;
      else if (record.type === "total") total = record;
    }
    if (counts) take(counts, total);
  }
  throw new TypeError("the answer has no end");
}

/** @param {CountedRecord} end */
function counted(end) {
  if (end.reason !== "complete") throw new Refused(0, end.detail || endSentence(end.reason), []);
  return end;
}

/**
 * What the range holds, as a file: asked for without a line first, so that a refusal can be said here.
 *
 * @param {Question} question
 * @returns {Promise<{url: string, without: string}>} `without` these hosts, which can't be read
 * @throws {import("./api.js").Refused} it is not allowed here
 * @throws {TypeError}
 */
export async function download(question) {
  const url = `${ROOT}api/v1/download?${about(question)}`;
  const response = await fetch(url, { method: "HEAD" });
  if (!response.ok) throw await refusal(response.status === 403 ? await fetch(url) : response);
  return { url, without: response.headers.get("x-failed-hosts") ?? "" };
}
