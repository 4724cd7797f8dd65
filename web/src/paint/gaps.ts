import type { Stretch } from "../live/ring";

/** A gap is a pause of more than three usual intervals, but never less than this. */
const GAP_LEAST_MS = 1_000;
const INTERVALS = 3;
const SAMPLED = 65;

/** How long a pause between two points must be to count as a gap: from the median of what is in the stretch. */
export function gapThreshold(times: Float64Array, expectedMs: number | null): number {
  if (times.length < 4) return Math.max(GAP_LEAST_MS, INTERVALS * (expectedMs ?? 10_000));
  const step = Math.max(1, Math.floor((times.length - 1) / SAMPLED));
  const intervals = new Float64Array(Math.floor((times.length - 1) / step));
  for (let i = 0; i < intervals.length; i++) {
    intervals[i] = (times[i * step + 1] as number) - (times[i * step] as number);
  }
  intervals.sort();
  return Math.max(GAP_LEAST_MS, INTERVALS * (intervals[intervals.length >> 1] as number));
}

/** Pairs [from, to] of times between which nothing was measured, the silence up to `end` included. */
export function findGaps(stretch: Stretch, end: number, expectedMs: number | null): [number, number][] {
  const { times } = stretch;
  const threshold = gapThreshold(times, expectedMs);
  const gaps: [number, number][] = [];
  for (let i = 1; i < times.length; i++) {
    const before = times[i - 1] as number;
    const after = times[i] as number;
    if (after - before > threshold) gaps.push([before, after]);
  }
  const last = times[times.length - 1];
  if (last !== undefined && end - last > threshold) gaps.push([last, end]);
  return gaps;
}

export interface Summary {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/** Least, mean and greatest of the points with from ≤ time ≤ to; null where there are none. */
export function summarize(stretch: Stretch, from: number, to: number): Summary | null {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < stretch.times.length; i++) {
    const time = stretch.times[i] as number;
    if (time < from || time > to) continue;
    const value = stretch.values[i] as number;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count++;
  }
  return count ? { min, mean: sum / count, max } : null;
}
