import type { TrialAlert } from "../live/ruleRest";
import { Chart } from "./chart";
import type { Concern } from "./concern";
import type { Frame } from "./layers";
import { drawLimits } from "./limitLayer";
import { lookOf } from "./look";
import { type PastLine, storedOf } from "./past";

/** Where values are on a chart, in CSS pixels from its top. */
export interface ValueScale {
  readonly top: number;
  readonly height: number;
  yOf(value: number): number;
  valueAt(y: number): number;
}

/** What a rule would have said, to be drawn over the readings. */
export interface TrialPicture {
  readonly alerts: readonly TrialAlert[];
  readonly bounds: readonly number[];
  readonly concern: Concern;
}

const MARK = 5;

/** A metric over a range, with when a rule would have fired, and by which bounds. */
export class TrialChart {
  readonly #chart: Chart;
  readonly #sizes: ResizeObserver;
  readonly #stored: ReturnType<typeof storedOf>;
  readonly #range: { from: number; to: number };

  constructor(host: HTMLElement, line: PastLine, range: { from: number; to: number }) {
    this.#range = range;
    this.#stored = storedOf(line, range.from, range.to);
    this.#chart = new Chart(host, lookOf(host, [line.line], false), { cursorMoved() {}, zoom() {} });
    this.#sizes = new ResizeObserver(() => this.#chart.resize(host.clientWidth));
    this.#sizes.observe(host);
  }

  /** `placed` hears where values are whenever that changes. */
  draw(picture: TrialPicture, placed: (scale: ValueScale) => void): void {
    const { alerts, bounds, concern } = picture;
    const { from, to } = this.#range;
    const limits = {
      below: (frame: Frame, { concernTint }: { concernTint: Readonly<Record<Concern, string>> }) => {
        frame.context.fillStyle = concernTint[concern];
        for (const { opened, resolved } of alerts) shade(frame, opened, resolved ?? to);
      },
      above: (frame: Frame, look: { concern: Readonly<Record<Concern, string>>; back: string }) => {
        const lines = bounds.map((value) => ({ value, concern, isHigh: true, label: concern }));
        drawLimits(frame, lines, look.concern, look.back);
        frame.context.fillStyle = look.concern[concern];
        for (const { opened } of alerts) mark(frame, opened);
        placed(scaleOf(frame));
      },
    };
    const { below } = this.#stored;
    const low = Math.min(...bounds, below?.low ?? Number.POSITIVE_INFINITY);
    const high = Math.max(...bounds, below?.high ?? Number.NEGATIVE_INFINITY);
    const reach = { low, high, draw: (frame: Frame, tint: string) => below?.draw(frame, tint) };
    const line = { ...this.#stored, below: low <= high ? reach : null };
    this.#chart.draw({ lines: [line], shaded: [], limits, from, to });
  }

  destroy(): void {
    this.#sizes.disconnect();
    this.#chart.destroy();
  }
}

function shade(frame: Frame, from: number, to: number): void {
  const start = Math.max(frame.left, frame.x(from));
  const end = Math.min(frame.left + frame.width, frame.x(to));
  // What was short must still be seen.
  if (end >= start)
    frame.context.fillRect(start, frame.top, Math.max(end - start, frame.ratio), frame.height);
}

/** A triangle at the upper edge. */
function mark({ context, x, top, ratio }: Frame, time: number): void {
  const [at, size] = [x(time), MARK * ratio];
  context.beginPath();
  context.moveTo(at - size, top);
  context.lineTo(at + size, top);
  context.lineTo(at, top + 1.6 * size);
  context.fill();
}

function scaleOf({ top, height, ratio, y }: Frame): ValueScale {
  const [zero, one] = [y(0), y(1)];
  return {
    top: top / ratio,
    height: height / ratio,
    yOf: (value) => y(value) / ratio,
    valueAt: (at) => (at * ratio - zero) / (one - zero),
  };
}
