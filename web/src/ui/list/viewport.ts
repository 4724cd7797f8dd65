import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import type { Density } from "../preferences";
import type { GridLine } from "./listing";

/** Heights the stylesheet gives, too; the grid computes with them instead of measuring rows. */
export const ROW_PX: Readonly<Record<Density, number>> = { comfortable: 44, compact: 32 };
export const HEAD_PX = 32;
export const GROUP_PX = 36;
const OVERSCAN = 2;
/** No more lines than this are ever in the document; the stylesheet limits the grid's height to match. */
const LINES_MOST = 38;

/** What part of the grid is in sight, in pixels. */
export interface Viewport {
  readonly top: number;
  readonly height: number;
}

/** Follows the scrolling and the size of `element`. */
export function useViewport(element: RefObject<HTMLElement | null>): ReadonlySignal<Viewport> {
  const view = useSignal<Viewport>({ top: 0, height: 0 });
  useLayoutEffect(() => {
    const watched = element.current;
    if (!watched) return;
    const measure = () => {
      view.value = { top: watched.scrollTop, height: watched.clientHeight };
    };
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(watched);
    watched.addEventListener("scroll", measure, { passive: true });
    return () => {
      sizes.disconnect();
      watched.removeEventListener("scroll", measure);
    };
  }, [element, view]);
  return view;
}

/** Where each line begins, in pixels below the head; one more for where the last one ends. */
export function topsOf(lines: readonly GridLine[], density: Density): Float64Array {
  const tops = new Float64Array(lines.length + 1);
  lines.forEach((line, index) => {
    const height = line.kind === "group" ? GROUP_PX : ROW_PX[density];
    tops[index + 1] = (tops[index] as number) + height;
  });
  return tops;
}

/** The lines to have in the document: those in sight and two around them. `end` is not included. */
export function linesInSight(view: Viewport, tops: Float64Array): { start: number; end: number } {
  const count = tops.length - 1;
  const first = lineAt(tops, view.top) - OVERSCAN;
  const last = lineAt(tops, view.top + view.height) + OVERSCAN;
  const most = Math.min(LINES_MOST, last - first + 1);
  const start = Math.max(0, Math.min(first, count - most));
  return { start, end: Math.min(count, start + most) };
}

/** The line at this height; the last one below the end. */
function lineAt(tops: Float64Array, y: number): number {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] as number) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Scrolls as little as brings the line into sight, below the head that stays. */
export function reveal(grid: HTMLElement, index: number, tops: Float64Array): void {
  const [top, bottom] = [tops[index] ?? 0, tops[index + 1] ?? 0];
  const room = grid.clientHeight - HEAD_PX;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (bottom > grid.scrollTop + room) grid.scrollTop = bottom - room;
}

/** Lines that Page up and Page down go. */
export function linesOfPage(view: Viewport, density: Density): number {
  return Math.max(1, Math.floor((view.height - HEAD_PX) / ROW_PX[density]) - 1);
}

/**
 * The line a key moves to, or null for any other key. With none active (-1), Arrow down moves to the first.
 */
export function lineAfterKey(key: string, active: number, lines: number, page: number): number | null {
  const last = lines - 1;
  const within = (index: number) => Math.min(Math.max(index, 0), last);
  switch (key) {
    case "ArrowDown":
      return within(active + 1);
    case "ArrowUp":
      return within(active - 1);
    case "PageDown":
      return within(active + page);
    case "PageUp":
      return within(active - page);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}
