/**
 * Whether the view is asked for with its secrets, and why. It is neither in the URL nor kept: a permalink shows
 * everybody what they may see, and a reloaded page hides again.
 */

export const raw = {
  /** Why; empty: secrets stay hidden. */
  reason: "",
};
