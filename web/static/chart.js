/**
 * The bars of a histogram on a canvas, by uPlot: drawn for one width, one zone, one theme, one stretch of time; another
 * one is another chart. What is estimated stands pale behind what was counted, on a scale of its own where it is not of
 * the same lines.
 */

import { bucketAt } from "./buckets.js";
import { stamp } from "./words.js";

/** CSS px of the whole, and of its axes. */
const HEIGHT = 92;
const CLOCK_PX = 20;
const COUNT_PX = 46;
/** What the counts may go up by: whole numbers. */
const COUNT_STEPS = Array.from({ length: 13 }, (_, e) => [1, 2, 5].map((n) => n * 10 ** e)).flat();
/** CSS px that a drag has to begin with, or it is a click. */
const CLICK_PX = 4;

/** @typedef {import("./buckets.js").Bars} Bars */
/** @typedef {{text: string, grid: string, all: string, warnings: string, errors: string, estimate: string}} Inks CSS colours */

/**
 * @typedef {object} Listener
 * @property {(i: number|null) => void} over the bucket under the pointer
 * @property {(since: number, until: number) => void} drawn a range, seconds since the epoch
 * @property {(i: number) => void} clicked a bucket
 */

/** @typedef {{plot: import("uplot"), show: (bars: Bars) => void}} Chart `show` other counts of the same time */

/** @param {number} n @returns {string} 1.2k */
function compact(n) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(n);
}

/**
 * @param {number} seconds since the epoch
 * @param {number} apart seconds between two labels
 * @param {boolean} utc
 * @returns {string}
 */
function label(seconds, apart, utc) {
  const { day, clock } = stamp(seconds * 1000, utc);
  if (apart >= 86_400) return day.slice(5);
  if (apart >= 60) return clock === "00:00:00.000" ? day.slice(5) : clock.slice(0, 5);
  return apart >= 1 ? clock.slice(0, 8) : clock.slice(3);
}

/**
 * @param {HTMLElement} box
 * @param {Bars} bars
 * @param {boolean} utc
 * @param {Inks} inks
 * @param {Listener} listener
 * @returns {Promise<Chart>}
 */
export async function chart(box, bars, utc, inks, listener) {
  const { default: UPlot } = await import("./vendor/uplot.js");
  let shown = bars;
  const paths = UPlot.paths.bars?.({ size: [1, Infinity], align: 1, gap: 1 });
  const series = (/** @type {string} */ fill, scale = "y") => ({ fill, scale, width: 0, paths, points: { show: false } });
  /** @type {(plot: import("uplot"), least: number, most: number) => [number, number]} */
  const upTo = (_, __, most) => [0, Math.max(1, most)];
  const font = `11px ${getComputedStyle(box).fontFamily}`;
  const axis = { stroke: inks.text, font, ticks: { show: false } };
  const plot = new UPlot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      padding: [6, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: CLICK_PX } },
      tzDate: (seconds) => (utc ? UPlot.tzDate(new Date(seconds * 1000), "Etc/UTC") : new Date(seconds * 1000)),
      scales: { x: { range: () => [bars.starts[0], bars.end] }, y: { range: upTo }, guess: { range: upTo } },
      axes: [
        { ...axis, size: CLOCK_PX, gap: 3, grid: { show: false }, values: (_, at, __, ___, apart) => at.map((each) => label(each, apart, utc)) },
        {
          ...axis,
          size: COUNT_PX,
          gap: 5,
          space: 26,
          incrs: COUNT_STEPS,
          grid: { stroke: inks.grid, width: 1 },
          values: (_, at) => at.map((n) => (shown.exact && n ? compact(n) : "")),
        },
      ],
      series: [{}, series(inks.estimate, bars.alike ? "y" : "guess"), series(inks.all), series(inks.warnings), series(inks.errors)],
      hooks: {
        setCursor: [({ cursor, posToVal }) => listener.over(cursor.left === undefined || cursor.left < 0 ? null : bucketAt(bars, posToVal(cursor.left, "x")))],
        setSelect: [({ select: { left, width }, posToVal }) => width && listener.drawn(posToVal(left, "x"), posToVal(left + width, "x"))],
      },
    },
    columns(bars),
    box,
  );
  // After a drag there is no click: uPlot keeps it to itself.
  plot.over.addEventListener("click", ({ offsetX }) => listener.clicked(bucketAt(bars, plot.posToVal(offsetX, "x"))));
  return {
    plot,
    show(others) {
      const begun = others.exact && !shown.exact;
      shown = others;
      plot.setData(columns(others));
      if (begun) plot.redraw(false, true); // the axis gets its numbers
    },
  };
}

/** @param {Bars} bars @returns {import("uplot").AlignedData} */
function columns({ starts, guess, all, warnings, errors }) {
  return [starts, guess ?? starts.map(() => null), all, warnings, errors];
}
