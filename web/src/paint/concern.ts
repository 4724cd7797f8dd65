import type { Thresholds } from "../live/rest";

export type Concern = "warning" | "critical";

/** What to say about a value that is past one of its metric's thresholds. */
export interface ThresholdNote {
  readonly concern: Concern;
  /** Filled is critical, hollow is a warning; it points up or down. */
  readonly mark: string;
  readonly text: string;
}

/** What to say about a value; null where it is within the thresholds. */
export function concernOf(value: number, thresholds: Thresholds): ThresholdNote | null {
  const { critical_low, warning_low, warning_high, critical_high } = thresholds;
  const isBelow = (bound: number | null) => bound !== null && value <= bound;
  const isAbove = (bound: number | null) => bound !== null && value >= bound;
  if (isAbove(critical_high)) return beyond("critical", "▲", "above");
  if (isBelow(critical_low)) return beyond("critical", "▼", "below");
  if (isAbove(warning_high)) return beyond("warning", "△", "above");
  if (isBelow(warning_low)) return beyond("warning", "▽", "below");
  return null;
}

function beyond(concern: Concern, mark: string, side: string): ThresholdNote {
  return { concern, mark, text: `${side} the ${concern} limit` };
}

/** Marks a value, or removes its mark. The meaning is read out by screen readers and shown as a tooltip. */
export function paintConcern(element: HTMLElement, found: ThresholdNote | null): void {
  const text = found?.text ?? "";
  if (element.title === text) return;
  element.title = text;
  element.ariaLabel = text;
  element.textContent = found?.mark ?? "";
  element.dataset.concern = found?.concern ?? "";
  element.hidden = !found;
}
