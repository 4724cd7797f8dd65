/** Thresholds as they are drawn. Loaded where a line has some: most have none. */
import type { Concern } from "./concern";
import type { Frame } from "./layers";
import { type Band, type Limit, limitsOf } from "./limits";
import type { Line } from "./lines";
import type { Look } from "./look";

/** What a chart shows of thresholds, below its lines and above them. */
export interface LimitLayer {
  below(frame: Frame, look: Look): void;
  above(frame: Frame, look: Look): void;
}

export function limitLayer(lines: readonly Line[]): LimitLayer {
  const { limits, bands } = limitsOf(lines);
  return {
    below: (frame, look) => shadeBands(frame, bands, look.concernTint),
    above: (frame, look) => drawLimits(frame, limits, look.concern, look.back),
  };
}

export function shadeBands(
  frame: Frame,
  bands: readonly Band[],
  colours: Readonly<Record<Concern, string>>,
): void {
  const { context, left, top, width, height } = frame;
  for (const { from, to, concern } of bands) {
    const upper = to === Number.POSITIVE_INFINITY ? top : Math.max(top, frame.y(to));
    const lower = from === Number.NEGATIVE_INFINITY ? top + height : Math.min(top + height, frame.y(from));
    context.fillStyle = colours[concern];
    if (lower > upper) context.fillRect(left, upper, width, lower - upper);
  }
}

const LABEL_HEIGHT = 12;

/** Dashed lines at the limits in sight, with labels; one that would cover another is left out. */
export function drawLimits(
  frame: Frame,
  limits: readonly Limit[],
  colours: Readonly<Record<Concern, string>>,
  back: string,
): void {
  const { context, left, top, width, height, ratio } = frame;
  const labelled: number[] = [];
  context.save();
  context.lineWidth = ratio;
  context.textAlign = "left";
  context.lineJoin = "round";
  for (const { value, concern, isHigh, label } of limits) {
    const y = Math.round(frame.y(value));
    if (y < top || y > top + height) continue;
    context.strokeStyle = colours[concern];
    context.setLineDash([5 * ratio, 4 * ratio]);
    context.lineWidth = ratio;
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(left + width, y);
    context.stroke();
    const room = LABEL_HEIGHT * ratio;
    const isUp = isHigh ? y - room >= top : y + room > top + height;
    const at = isUp ? y - 4 * ratio : y + room - 2 * ratio;
    if (labelled.some((other) => Math.abs(other - at) < room)) continue;
    labelled.push(at);
    context.setLineDash([]);
    context.strokeStyle = back;
    context.lineWidth = 3 * ratio;
    context.strokeText(label, left + 6 * ratio, at);
    context.fillStyle = colours[concern];
    context.fillText(label, left + 6 * ratio, at);
  }
  context.restore();
}
