import type { Sample } from "../live/protocol";
import type { DeviceWatch } from "../live/watch";
import { type CursorPoint, type Look, MetricChart } from "./chart";
import { resolveColour } from "./colour";
import { age, clockTime, Figures } from "./format";
import { findGaps, summarize } from "./gaps";
import type { Painter } from "./loop";
import { setText } from "./rows";

/** The right edge lags the hub by this much, so that a reading is there before its place is shown. */
const EDGE_LAG_MS = 150;
const FOCUSED_MS = 1000 / 30;
const BESIDE_MS = 100;
const VALUE_MS = 100;
const SUMMARY_MS = 500;

export interface ChartCells {
  readonly card: HTMLElement;
  readonly value: HTMLElement;
  readonly summary: HTMLElement;
  readonly chart: HTMLElement;
}

export interface ChartSurroundings {
  readonly cells: ChartCells;
  readonly watch: DeviceWatch;
  readonly metric: string;
  readonly unit: string | null;
  readonly decimals: number | null;
  readonly theme: "light" | "dark";
  readonly windowMs: number;
  readonly expectedMs: number | null;
  /** The first chart of a device has the focus until the pointer or the keyboard is in another. */
  readonly isFirst: boolean;
  readonly viewNow: () => number;
  readonly isPaused: () => boolean;
  readonly slowestMs: () => number;
  /** A stretch was drawn over with the mouse. */
  readonly zoom: (from: number, to: number) => void;
}

/** Paints one metric's card while it is in sight. Made anew when theme, window or metric change. */
export class ChartPainter {
  readonly painters: readonly Painter[];
  readonly #around: ChartSurroundings;
  readonly #chart: MetricChart;
  readonly #figures: Figures;
  readonly #sight: IntersectionObserver;
  readonly #sizes: ResizeObserver;
  #isInSight = true;
  #cursor: CursorPoint = null;

  constructor(around: ChartSurroundings) {
    this.#around = around;
    this.#figures = new Figures(around.decimals);
    const { cells } = around;
    const cursorMoved = (point: CursorPoint) => {
      this.#cursor = point;
      this.#paintSummary();
    };
    this.#chart = new MetricChart(cells.chart, lookOf(cells.card), cursorMoved, around.zoom);
    this.#sight = new IntersectionObserver((entries) => {
      this.#isInSight = entries[entries.length - 1]?.isIntersecting ?? true;
    });
    this.#sight.observe(cells.card);
    this.#sizes = new ResizeObserver(() => this.#chart.resize(cells.chart.clientWidth));
    this.#sizes.observe(cells.chart);
    const pace = (ms: () => number) => () => Math.max(ms(), around.slowestMs());
    this.painters = [
      {
        intervalMs: pace(() => (this.#isFocused() ? FOCUSED_MS : BESIDE_MS)),
        paint: () => this.#paintChart(),
      },
      { intervalMs: pace(() => VALUE_MS), paint: () => this.#paintValue() },
      { intervalMs: pace(() => SUMMARY_MS), paint: () => this.#paintSummary() },
    ];
  }

  destroy(): void {
    this.#sight.disconnect();
    this.#sizes.disconnect();
    this.#chart.destroy();
  }

  #isFocused(): boolean {
    return this.#around.isFirst || this.#around.cells.card.matches(":hover, :focus-within");
  }

  #span(): { from: number; to: number } {
    const to = this.#around.viewNow() - EDGE_LAG_MS;
    return { from: to - this.#around.windowMs, to };
  }

  #paintChart(): void {
    const ring = this.#around.watch.rings.get(this.#around.metric);
    if (!this.#isInSight || !ring) return;
    const { from, to } = this.#span();
    const stretch = ring.window(from, to);
    this.#chart.draw(stretch, findGaps(stretch, to, this.#around.expectedMs), from, to);
  }

  #paintValue(): void {
    const sample = this.#shownSample();
    setText(this.#around.cells.value, sample ? this.#figures.value(sample[1], this.#around.unit) : "–");
  }

  /** The latest; while paused, the latest as of then. */
  #shownSample(): Sample | null | undefined {
    const { watch, metric, isPaused, viewNow } = this.#around;
    return isPaused() ? watch.rings.get(metric)?.before(viewNow()) : watch.latest.get(metric);
  }

  #paintSummary(): void {
    setText(this.#around.cells.summary, this.#cursor ? this.#atCursor(this.#cursor) : this.#ofWindow());
  }

  #atCursor(point: { time: number; value: number }): string {
    return `${clockTime(point.time)}: ${this.#figures.value(point.value, this.#around.unit)}`;
  }

  #ofWindow(): string {
    const { from, to } = this.#span();
    const ring = this.#around.watch.rings.get(this.#around.metric);
    const summary = ring ? summarize(ring.window(from, to), from, to) : null;
    if (!summary) return this.#lastOf(to);
    const [min, mean, max] = [summary.min, this.#rounded(summary.mean), summary.max].map((value) =>
      this.#figures.number(value),
    );
    return `min ${min} · mean ${mean} · max ${max}`;
  }

  /** A window without readings says when the last one was. */
  #lastOf(now: number): string {
    const sample = this.#shownSample();
    return sample ? `no reading here; last ${age(now - sample[0])}` : "no reading yet";
  }

  /** A mean has endless decimals; it is shown with as many as the values have. */
  #rounded(mean: number): number {
    return Number(mean.toFixed(this.#figures.decimals));
  }
}

/** The colours of a card, as its theme has them now. */
export function lookOf(card: HTMLElement): Look {
  const colour = (token: string) => resolveColour(card, token);
  return {
    line: colour("--series"),
    fill: colour("--series-fill"),
    grid: colour("--line"),
    text: colour("--muted"),
    gap: colour("--gap"),
    font: `11px ${getComputedStyle(card).fontFamily}`,
  };
}
