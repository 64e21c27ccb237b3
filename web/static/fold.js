/** Many names as few: `web-1,web-2,web-3` as `web-[1-3]`, as ClusterShell writes them. */

/** @typedef {{before: string, after: string, width: number, numbers: number[]}} Family names that differ in one number */

/**
 * @param {string[]} names
 * @returns {string[]} terms of a selector that stand for the same names
 */
export function fold(names) {
  /** @type {Map<string, Family>} */
  const families = new Map();
  const single = names.filter((name) => !join(name, families));
  const terms = [...families.values()].map(({ before, after, width, numbers }) => {
    const written = ranges(numbers, width);
    return before + (numbers.length > 1 ? `[${written}]` : written) + after;
  });
  return [...terms, ...single];
}

/**
 * @param {string} name
 * @param {Map<string, Family>} families that it is put into, by its last number
 * @returns {boolean} whether it has a number that can be counted
 */
function join(name, families) {
  const found = /^(.*?)([0-9]{1,9})([^0-9]*)$/.exec(name);
  if (!found) return false;
  const [, before, digits, after] = found;
  // Padded numbers are a family of their own, `web-[08-09],web-[10-20]`: one bracket never mixes paddings.
  const width = digits.startsWith("0") && digits.length > 1 ? digits.length : 0;
  const key = `${before} ${after} ${width}`;
  const family = families.get(key) ?? { before, after, width, numbers: [] };
  families.set(key, family);
  family.numbers.push(Number(digits));
  return true;
}

/**
 * @param {number[]} numbers
 * @param {number} width that they are padded to with zeros; 0: not at all
 * @returns {string} `1-3,7`
 */
function ranges(numbers, width) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts = [];
  for (let i = 0; i < sorted.length; ) {
    let end = i;
    while (sorted[end + 1] === sorted[end] + 1) end += 1;
    const [from, to] = [sorted[i], sorted[end]].map((n) => String(n).padStart(width, "0"));
    parts.push(end > i ? `${from}-${to}` : from);
    i = end + 1;
  }
  return parts.join(",");
}
