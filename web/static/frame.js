/** The elements of the list: what scrolls, what is as high as all lines (or as browsers allow), what holds the rows. */

/** @returns {{scroller: HTMLElement, spacer: HTMLElement, layer: HTMLElement}} each inside the one before */
export function frame() {
  const [scroller, spacer, layer] = ["scroller", "spacer", "layer"].map((name) => {
    const element = document.createElement("div");
    element.className = name;
    return element;
  });
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "log");
  scroller.setAttribute("aria-live", "off");
  scroller.setAttribute("aria-label", "Log lines");
  spacer.append(layer);
  scroller.append(spacer);
  return { scroller, spacer, layer };
}
