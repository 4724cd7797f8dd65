import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** Heights the stylesheet gives; the grid computes with them instead of measuring rows. */
export const ROW_PX = 44;
export const HEAD_PX = 32;
const OVERSCAN = 2;
/** However tall the window, no more rows than this are in the document. */
const ROWS_MOST = 38;

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

/** The rows to have in the document: those in sight and two around them. `end` is not included. */
export function rowsInSight(view: Viewport, rows: number): { start: number; end: number } {
  const most = Math.min(ROWS_MOST, Math.ceil(view.height / ROW_PX) + 2 * OVERSCAN + 1);
  const wished = Math.max(0, Math.floor(view.top / ROW_PX) - OVERSCAN);
  const start = Math.min(wished, Math.max(0, rows - most));
  return { start, end: Math.min(rows, start + most) };
}

/** Rows that Page up and Page down go. */
export function rowsOfPage(view: Viewport): number {
  return Math.max(1, Math.floor((view.height - HEAD_PX) / ROW_PX) - 1);
}

/** Scrolls as little as brings the row into sight, below the head that stays. */
export function reveal(grid: HTMLElement, index: number): void {
  const top = index * ROW_PX;
  const room = grid.clientHeight - HEAD_PX;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + ROW_PX > grid.scrollTop + room) grid.scrollTop = top + ROW_PX - room;
}

/** The row a key leads to, or null where it leads nowhere. With none active (-1), Arrow down leads to the first. */
export function rowAfterKey(key: string, active: number, rows: number, page: number): number | null {
  const last = rows - 1;
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
