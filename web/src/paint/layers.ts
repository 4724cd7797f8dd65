/** What a chart shows beside its lines: drawn on its canvas, below them or above. */
import type { Stretch } from "../live/ring";
import { type Gap, nearest } from "./gaps";
import { addShape } from "./shapes";

/** Where on the canvas the chart is, in its pixels. */
export interface Frame {
  readonly context: CanvasRenderingContext2D;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Canvas pixels a CSS pixel. */
  readonly ratio: number;
  x(time: number): number;
  y(value: number): number;
}

const SHAPE_SIZE = 3.5;
/** Times between two shapes of a line: shapes stay at their time while the window moves. */
const SHAPE_STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400, 604_800,
].map((seconds) => seconds * 1000);
const SHAPE_SPACE = 90;

export function shadeGaps(frame: Frame, gaps: readonly Gap[], colour: string): void {
  const { context, left, top, width, height } = frame;
  context.fillStyle = colour;
  for (const [from, to] of gaps) {
    const start = Math.max(left, frame.x(from));
    const end = Math.min(left + width, frame.x(to));
    if (end > start) context.fillRect(start, top, end - start, height);
  }
}

/**
 * Shapes along a line and at its end, at other times than those of the chart's other lines: `place` says
 * which.
 */
export function drawShapes(
  frame: Frame,
  stretch: Stretch,
  place: number,
  colour: string,
  back: string,
): void {
  const { times, values } = stretch;
  const first = times[0];
  const last = times[times.length - 1];
  if (first === undefined || last === undefined) return;
  const { context, ratio } = frame;
  const perMs = frame.x(1) - frame.x(0);
  const step = SHAPE_STEPS_MS.find((ms) => ms * perMs >= SHAPE_SPACE * ratio) ?? last - first + 1;
  context.beginPath();
  const add = (index: number) => {
    const x = frame.x(times[index] as number);
    if (x < frame.left || x > frame.left + frame.width) return;
    addShape(context, place, x, frame.y(values[index] as number), SHAPE_SIZE * ratio);
  };
  const shift = (place % 4) * (step / 4);
  for (let time = Math.ceil((first - shift) / step) * step + shift; time < last; time += step) {
    const index = nearest(times, time);
    if (Math.abs((times[index] as number) - time) <= step / 2) add(index);
  }
  add(times.length - 1);
  context.fillStyle = colour;
  context.strokeStyle = back;
  context.lineWidth = ratio;
  context.fill();
  context.stroke();
}

/** Dots for readings with a gap on either side: a line alone would not show them. */
export function drawLonely(frame: Frame, stretch: Stretch, gaps: readonly Gap[], colour: string): void {
  const { times, values } = stretch;
  const { context, ratio } = frame;
  context.fillStyle = colour;
  const dot = (index: number) => {
    const x = frame.x(times[index] as number);
    if (x < frame.left || x > frame.left + frame.width) return;
    context.beginPath();
    context.arc(x, frame.y(values[index] as number), 2 * ratio, 0, 2 * Math.PI);
    context.fill();
  };
  if (times.length === 1) dot(0);
  for (let i = 0; i < gaps.length; i++) {
    const [from, to] = gaps[i] as Gap;
    if (from === times[0]) dot(0);
    if (to === gaps[i + 1]?.[0] || to === times[times.length - 1]) dot(nearest(times, to));
  }
}
