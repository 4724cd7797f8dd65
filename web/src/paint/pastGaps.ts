import { type Gap, gapThreshold, pauses } from "./gaps";

/** Buckets follow each other step by step; one that is missing makes two steps. */
const STEPS = 1.5;

/**
 * Where nothing was measured in a range of the past: the missing buckets where rows are buckets of `step`
 * milliseconds, else long times between readings. A gap at the beginning counts too.
 */
export function findPastGaps(
  times: Float64Array,
  step: number | null,
  from: number,
  to: number,
  expectedMs: number | null,
): Gap[] {
  const threshold = step === null ? gapThreshold(times, expectedMs) : step * STEPS;
  const gaps = pauses(times, to, threshold);
  const first = times[0];
  if (first === undefined) return [[from, to]];
  if (first - from > threshold) gaps.unshift([from, first]);
  return gaps;
}
