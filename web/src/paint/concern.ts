import type { Thresholds } from "../live/rest";

export type Concern = "warning" | "critical";

/** What is to be said of a value that is past one of its metric's thresholds. */
export interface Beyond {
  readonly concern: Concern;
  /** Full is critical, hollow a warning; it points to the side. */
  readonly mark: string;
  readonly text: string;
}

/** What is to be said of a value; null where it is no matter of concern. */
export function concernOf(value: number, thresholds: Thresholds): Beyond | null {
  const { critical_low, warning_low, warning_high, critical_high } = thresholds;
  const isBelow = (bound: number | null) => bound !== null && value <= bound;
  const isAbove = (bound: number | null) => bound !== null && value >= bound;
  if (isAbove(critical_high)) return beyond("critical", "▲", "above");
  if (isBelow(critical_low)) return beyond("critical", "▼", "below");
  if (isAbove(warning_high)) return beyond("warning", "△", "above");
  if (isBelow(warning_low)) return beyond("warning", "▽", "below");
  return null;
}

function beyond(concern: Concern, mark: string, side: string): Beyond {
  return { concern, mark, text: `${side} the ${concern} limit` };
}

/** Marks a value; without a concern the mark is not there. What it means is read out, and told when pointed at. */
export function paintConcern(element: HTMLElement, found: Beyond | null): void {
  const text = found?.text ?? "";
  if (element.title === text) return;
  element.title = text;
  element.ariaLabel = text;
  element.textContent = found?.mark ?? "";
  element.dataset.concern = found?.concern ?? "";
  element.hidden = !found;
}
