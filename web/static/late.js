/** Lines of the past that come after their place, as those of a slow host do: they go where they belong among others. */

/** @typedef {import("./types.js").Row} Row */
/** @typedef {import("./types.js").LineRow} LineRow */
/** @typedef {import("./edge.js").Way} Way */

/**
 * @param {LineRow[]} rows as they came
 * @param {Way} way
 * @returns {{late: boolean, rows: LineRow[]}[]} those in time oldest first; late ones as they came
 */
export function runs(rows, way) {
  /** @type {{late: boolean, rows: LineRow[]}[]} */
  const found = [];
  for (const row of rows) {
    const late = row.record.late === true;
    const last = found.at(-1);
    if (last?.late === late) last.rows.push(row);
    else found.push({ late, rows: [row] });
  }
  if (way === "up") for (const run of found) if (!run.late) run.rows.reverse();
  return found;
}

/**
 * Put a late line of a reading at its place; never past one of its own file that came before.
 *
 * @param {import("./store.js").Store} store
 * @param {Way} way of the reading
 * @param {LineRow} row
 */
export function place(store, way, row) {
  const next = way === "up" ? following(store, row) : first(store, row);
  if (next) store.putBefore(next, [row]);
  else store.extend([row]);
}

/**
 * As `place` does on the way up.
 *
 * @param {LineRow[]} rows oldest first
 * @param {LineRow} row
 */
export function insert(rows, row) {
  const next = following(rows, row);
  rows.splice(next ? rows.indexOf(next) : rows.length, 0, row);
}

/**
 * @template {Row} R
 * @param {Iterable<R>} rows
 * @param {LineRow} row
 * @returns {R|null} the first that is later, or of its own file
 */
function following(rows, row) {
  for (const each of rows) if (each.kind === "line" && (each.time > row.time || each.file === row.file)) return each;
  return null;
}

/**
 * @param {import("./blocks.js").Blocks} store
 * @param {LineRow} row
 * @returns {Row|null} the first of those at the end that are all later, and of other files
 */
function first(store, row) {
  /** @type {Row|null} */
  let found = null;
  for (let b = store.blocks.length - 1; b >= 0; b -= 1) {
    for (const each of store.blocks[b].rows.toReversed()) {
      if (each.kind === "line" && (each.time <= row.time || each.file === row.file)) return found;
      found = each;
    }
  }
  return found;
}
