/** Lines of the past for those of the live view that are not all there are of their time: what stays, stays the same row. */

/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./types.js").LineRow} LineRow */

/**
 * @param {Iterable<Row>} rows
 * @param {Row|null} end
 * @returns {Row[]} those before `end`; all without it
 */
export function before(rows, end) {
  const found = [];
  for (const row of rows) {
    if (row === end) break;
    found.push(row);
  }
  return found;
}

/**
 * @param {Row[]} old rows that go
 * @param {LineRow[]} lines that come, in their order
 * @returns {Row[]} the lines, with the sentences that stood behind them; a line that was there is the same row
 */
export function merged(old, lines) {
  /** @type {Map<string, LineRow>} */
  const held = new Map();
  /** @type {Map<string, Row[]>} */
  const marks = new Map();
  const come = new Set(lines.map(({ record }) => record.position));
  let last = "";
  for (const row of old) {
    if (row.kind === "line") held.set((last = row.record.position), row);
    else if (!row.gap || !come.has(row.gap.from ?? "")) marks.set(last, [...(marks.get(last) ?? []), row]);
  }
  return lines.flatMap((line) => {
    const { position } = line.record;
    return [held.get(position) ?? line, ...(marks.get(position) ?? [])];
  });
}

/**
 * @param {import("./blocks.js").Blocks} store
 * @param {Row|null} row
 * @returns {Row|null} the one after it
 */
export function next(store, row) {
  const place = row && store.placeOf(row);
  const after = place && store.after(place);
  return after && store.at(after);
}
