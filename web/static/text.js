/**
 * Log text made harmless and visible: control characters as pictures, invisible and bidirectional ones escaped,
 * matches and what stands for secrets marked. Text only ever becomes text nodes; a pattern of the user is never run here,
 * matches come from the server as spans of code points.
 */

/**
 * @typedef {object} Marks of a text
 * @property {[number, number][]} [spans] matches, in code points
 * @property {boolean|string[]} [redacted] whether `[redacted:NAME]` stands in it for secrets
 */

// C0 without tab, DEL and C1, soft hyphen, direction marks and overrides, zero-width space, joiners of nothing, BOM.
const HIDDEN =
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/;
// A terminal's colour and cursor sequence: dimmed as a whole, so that the text around stays readable.
const SEQUENCE = /\u001b\[[0-?]*[ -/]*[@-~]/y;

// What the server puts in a secret's place.
const REDACTED = /\[redacted:([A-Za-z0-9._:-]+)\]/g;

/**
 * @param {number} code a UTF-16 unit that HIDDEN matches
 * @returns {string} what is shown for it
 */
function picture(code) {
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "␡";
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/**
 * @param {string} text
 * @returns {string} the same with every hidden character shown
 */
export function neutral(text) {
  if (!HIDDEN.test(text)) return text;
  let out = "";
  for (const char of text) out += HIDDEN.test(char) ? picture(char.charCodeAt(0)) : char;
  return out;
}

/**
 * Offsets in code points as offsets in UTF-16 units, clamped to the text.
 *
 * @param {string} text
 * @param {[number, number][]} spans sorted, not overlapping
 * @returns {[number, number][]}
 */
export function units(text, spans) {
  /** @type {[number, number][]} */
  const out = [];
  let unit = 0;
  let point = 0;
  /** @param {number} target */
  const walk = (target) => {
    while (point < target && unit < text.length) {
      const code = /** @type {number} */ (text.codePointAt(unit));
      unit += code > 0xffff ? 2 : 1;
      point += 1;
    }
    return unit;
  };
  for (const [start, end] of spans) {
    if (start < point || end <= start) continue;
    const from = walk(start);
    const to = walk(end);
    if (to > from) out.push([from, to]);
  }
  return out;
}

/**
 * @param {Node} parent
 * @param {string} text
 */
function appendNeutral(parent, text) {
  if (!HIDDEN.test(text)) {
    parent.appendChild(document.createTextNode(text));
    return;
  }
  let plain = "";
  for (let i = 0; i < text.length; ) {
    const shown = HIDDEN.test(text[i]) ? sequenceAt(text, i) : "";
    if (!shown) {
      plain += text[i];
      i += 1;
      continue;
    }
    if (plain) parent.appendChild(document.createTextNode(plain));
    plain = "";
    const escape = document.createElement("span");
    escape.className = "ctl";
    escape.textContent = neutral(shown);
    parent.appendChild(escape);
    i += shown.length;
  }
  if (plain) parent.appendChild(document.createTextNode(plain));
}

/**
 * @param {string} text
 * @param {number} at index of a hidden character
 * @returns {string} it, or the whole terminal sequence that it begins
 */
function sequenceAt(text, at) {
  SEQUENCE.lastIndex = at;
  return SEQUENCE.exec(text)?.[0] ?? text[at];
}

/**
 * @param {string} text of a line from which secrets were taken out
 * @returns {string} of which kinds they are
 */
export function hiddenKinds(text) {
  return [...new Set([...text.matchAll(REDACTED)].map(([, name]) => name))].join(", ");
}

/**
 * @param {Node} parent
 * @param {string} text
 * @param {boolean} redacted
 */
function appendText(parent, text, redacted) {
  let done = 0;
  for (const { 0: place, 1: name, index } of redacted ? text.matchAll(REDACTED) : []) {
    if (index > done) appendNeutral(parent, text.slice(done, index));
    const chip = document.createElement("span");
    chip.className = "redacted";
    chip.title = `A secret was taken out here: ${name}`;
    chip.textContent = place;
    parent.appendChild(chip);
    done = index + place.length;
  }
  if (done < text.length) appendNeutral(parent, text.slice(done));
}

/**
 * Replace what `element` holds by `text`, neutralised, with its matches in `<mark>`.
 *
 * @param {HTMLElement} element
 * @param {string} text
 * @param {Marks} [marks]
 * @param {number} [limit] UTF-16 units shown at most
 */
export function setText(element, text, { spans = [], redacted } = {}, limit = Infinity) {
  let shown = text.length > limit ? text.slice(0, limit) : text;
  if (shown.length < text.length && /[\ud800-\udbff]$/.test(shown)) shown = shown.slice(0, -1);
  if (!spans.length && !redacted && !HIDDEN.test(shown)) {
    element.textContent = shown;
    return;
  }
  const all = document.createDocumentFragment();
  let done = 0;
  for (const [from, to] of units(shown, spans)) {
    if (from > done) appendText(all, shown.slice(done, from), Boolean(redacted));
    const mark = document.createElement("mark");
    appendText(mark, shown.slice(from, to), Boolean(redacted));
    all.appendChild(mark);
    done = to;
  }
  if (done < shown.length) appendText(all, shown.slice(done), Boolean(redacted));
  element.replaceChildren(all);
}

/**
 * Replace what `element` holds by `text` whose newlines are meant: each line neutralised by itself.
 *
 * @param {HTMLElement} element
 * @param {string} text
 * @param {Marks} [marks] but its matches
 */
export function setLines(element, text, { redacted } = {}) {
  const all = document.createDocumentFragment();
  text.split("\n").forEach((line, i) => {
    if (i) all.appendChild(document.createTextNode("\n"));
    appendText(all, line, Boolean(redacted));
  });
  element.replaceChildren(all);
}
