/** How far back the slider reaches. */
export const SCRUB_MS = 3_600_000;
/** Nearer to now than this is now. */
const LIVE_MS = 1_500;

/** Where a window that ends at some moment comes from: live, from the page's memory, or from history. */
export type Shown =
  | { readonly kind: "live" }
  | { readonly kind: "held"; readonly at: number }
  | { readonly kind: "stored"; readonly from: number; readonly to: number };

/** @param heldFrom since when the page holds every reading */
export function shownAt(at: number, now: number, heldFrom: number, windowMs: number): Shown {
  if (at >= now - LIVE_MS) return { kind: "live" };
  if (at - windowMs >= heldFrom) return { kind: "held", at };
  return { kind: "stored", from: Math.round(at - windowMs), to: Math.round(at) };
}
