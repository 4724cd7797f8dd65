import type { Stretch } from "../live/ring";

/** From when to when nothing was measured. */
export type Gap = readonly [from: number, to: number];

/** A gap is a pause of more than three usual intervals, but never less than this. */
const GAP_LEAST_MS = 1_000;
const INTERVALS = 3;
const SAMPLED = 65;

/** How long a pause between two points must be to count as a gap, from the median of the intervals. */
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

/** Pauses longer than `threshold` between two points, the silence up to `end` included. */
export function pauses(times: Float64Array, end: number, threshold: number): Gap[] {
  const gaps: Gap[] = [];
  for (let i = 1; i < times.length; i++) {
    const before = times[i - 1] as number;
    const after = times[i] as number;
    if (after - before > threshold) gaps.push([before, after]);
  }
  const last = times[times.length - 1];
  if (last !== undefined && end - last > threshold) gaps.push([last, end]);
  return gaps;
}

/** Where nothing was measured, as far as the points themselves tell. */
export function findGaps(stretch: Stretch, end: number, expectedMs: number | null): Gap[] {
  return pauses(stretch.times, end, gapThreshold(stretch.times, expectedMs));
}

/** Where all lists have a gap at once; each list ascends. Empty for no lists. */
export function commonGaps(lists: readonly (readonly Gap[])[]): readonly Gap[] {
  const [first = [], ...rest] = lists;
  return rest.reduce(overlaps, first);
}

function overlaps(some: readonly Gap[], others: readonly Gap[]): Gap[] {
  const both: Gap[] = [];
  let i = 0;
  let j = 0;
  while (i < some.length && j < others.length) {
    const one = some[i] as Gap;
    const other = others[j] as Gap;
    const from = Math.max(one[0], other[0]);
    const to = Math.min(one[1], other[1]);
    if (to > from) both.push([from, to]);
    if (one[1] < other[1]) i++;
    else j++;
  }
  return both;
}

/** Index of the point nearest to `time`; of no points, 0. */
export function nearest(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  const isBeforeNearer = low > 0 && time - (times[low - 1] as number) < (times[low] as number) - time;
  return isBeforeNearer ? low - 1 : low;
}

export interface Summary {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/**
 * Minimum, mean and maximum of the points with from ≤ time ≤ to; null where there are none. A point that is
 * the mean of several readings counts as many times, so the mean is that of the readings.
 */
export function summarize({ times, values, counts }: Stretch, from: number, to: number): Summary | null {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let readings = 0;
  for (let i = 0; i < times.length; i++) {
    const time = times[i] as number;
    if (time < from || time > to) continue;
    const value = values[i] as number;
    const count = counts?.[i] ?? 1;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value * count;
    readings += count;
  }
  return readings ? { min, mean: sum / readings, max } : null;
}
