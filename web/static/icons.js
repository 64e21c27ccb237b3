/** Small pictures, drawn in the colour of the text; all are decoration beside a name that is read out. */

import { svg, html } from "./vendor/lit.js";

/** @param {unknown} paths */
const icon = (paths) =>
  html`<svg class="icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"
    stroke-linejoin="round" aria-hidden="true">${paths}</svg>`;

export const menu = icon(svg`<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />`);
export const pause = icon(svg`<path d="M5.5 3.5v9M10.5 3.5v9" stroke-width="2" />`);
export const play = icon(svg`<path d="M5 3.2v9.6l7.5-4.8z" fill="currentColor" />`);
export const down = icon(svg`<path d="M8 3v9.5M4 8.8l4 4 4-4" />`);
export const wrap = icon(svg`<path d="M2.5 4h11M2.5 8h8.7a2 2 0 0 1 0 4H8.5M10 10.4 8.4 12l1.6 1.6M2.5 12h2.5" />`);
export const clock = icon(svg`<circle cx="8" cy="8" r="5.7" /><path d="M8 4.8V8l2.2 1.6" />`);
export const theme = icon(
  svg`<circle cx="8" cy="8" r="5.7" /><path d="M8 2.3a5.7 5.7 0 0 1 0 11.4z" fill="currentColor" stroke="none" />`,
);
export const help = icon(
  svg`<circle cx="8" cy="8" r="5.7" /><path d="M6.3 6.4a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.9.7-.9 1.3M8 11.3v.1" />`,
);
export const person = icon(svg`<circle cx="8" cy="5.4" r="2.7" /><path d="M2.9 13.4a5.2 5.2 0 0 1 10.2 0" />`);
export const eye = icon(svg`<path d="M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8z" /><circle cx="8" cy="8" r="1.9" />`);
export const plus = icon(svg`<path d="M8 3.5v9M3.5 8h9" />`);
export const close = icon(svg`<path d="m4 4 8 8M12 4l-8 8" />`);
export const sliders = icon(
  svg`<path d="M2.5 5h6M12.5 5h1M2.5 11h1M7.5 11h6" /><circle cx="10.5" cy="5" r="1.8" /><circle cx="5.5" cy="11" r="1.8" />`,
);
export const warning = icon(svg`<path d="M8 2.5 14 13H2zM8 6.8v2.8M8 11.4v.1" />`);
export const chevron = icon(svg`<path d="m4.5 6.5 3.5 3.5 3.5-3.5" />`);
export const reload = icon(svg`<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.7h-2.7" />`);
export const download = icon(svg`<path d="M8 2.5v7.3M4.8 6.8 8 10l3.2-3.2M3 13.2h10" />`);
