import type { Ring } from "../live/ring";
import { gapThreshold } from "./gaps";

export const SPARK_MS = 60_000;
const MARGIN = 3;

/** Draws the last minute up to `now` onto a canvas of its own, sized to the pixels it covers. */
export function paintSparkline(canvas: HTMLCanvasElement, ring: Ring, now: number, colour: string): void {
  const ratio = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  if (!context || width === 0) return;
  context.clearRect(0, 0, width, height);
  const { times, values } = ring.window(now - SPARK_MS, now);
  if (times.length === 0) return;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const flat = high - low < 1e-12;
  const inner = height - 2 * MARGIN * ratio;
  const x = (time: number) => ((time - now + SPARK_MS) / SPARK_MS) * width;
  const y = (value: number) =>
    flat ? height / 2 : MARGIN * ratio + (1 - (value - low) / (high - low)) * inner;
  const threshold = gapThreshold(times, null);
  context.strokeStyle = colour;
  context.lineWidth = 1.5 * ratio;
  context.lineJoin = "round";
  context.lineCap = "round";
  context.beginPath();
  for (let i = 0; i < times.length; i++) {
    const time = times[i] as number;
    const isBreak = i === 0 || time - (times[i - 1] as number) > threshold;
    if (isBreak) context.moveTo(x(time), y(values[i] as number));
    context.lineTo(x(time), y(values[i] as number));
  }
  context.stroke();
}
