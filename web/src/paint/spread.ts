import type { Gap } from "./gaps";
import type { Frame } from "./layers";

/** Minimum and maximum around a line's means: arrays as long as its points. */
export interface Spread {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Fills from minimum to maximum, one run after the other between the gaps. */
export function fillSpread(
  frame: Frame,
  times: Float64Array,
  spread: Spread,
  gaps: readonly Gap[],
  colour: string,
): void {
  const { context, ratio } = frame;
  const starts = new Set(gaps.map(([, to]) => to));
  context.fillStyle = colour;
  let first = 0;
  for (let i = 1; i <= times.length; i++) {
    if (i < times.length && !starts.has(times[i] as number)) continue;
    context.beginPath();
    // A single bucket between two gaps must still be visible.
    const half = i - first === 1 ? ratio : 0;
    for (let at = first; at < i; at++) add(spread.high, at, -half);
    for (let at = first; at < i && half > 0; at++) add(spread.high, at, half);
    for (let at = i - 1; at >= first; at--) add(spread.low, at, half);
    for (let at = first; at < i && half > 0; at++) add(spread.low, at, -half);
    context.fill();
    first = i;
  }
  function add(column: Float64Array, at: number, aside: number): void {
    context.lineTo(frame.x(times[at] as number) + aside, frame.y(column[at] as number));
  }
}
