import type { Sample } from "../live/protocol";
import type { DeviceWatch } from "../live/watch";
import { Chart, type Cursor, type DrawnLine, NO_POINTS } from "./chart";
import { clockTime } from "./format";
import { commonGaps, findGaps, summarize } from "./gaps";
import { LegendPainter } from "./legend";
import type { LimitLayer } from "./limitLayer";
import type { Line } from "./lines";
import { lookOf } from "./look";
import type { Painter } from "./loop";

/** The right edge is this much behind the hub's time: a reading arrives before its place is shown. */
const EDGE_LAG_MS = 150;
const FOCUSED_MS = 1000 / 30;
const BESIDE_MS = 100;
const VALUE_MS = 100;
const SUMMARY_MS = 500;
const NOTHING: DrawnLine = { stretch: NO_POINTS, gaps: [] };

/** Loaded for the first line that has thresholds. */
let limits: typeof import("./limitLayer") | null = null;

async function loadLimits(): Promise<void> {
  try {
    limits ??= await import("./limitLayer");
  } catch {
    // No answer: the banner says so, and the next chart that is made asks again.
  }
}

export interface ChartCells {
  readonly card: HTMLElement;
  readonly legend: HTMLTableElement;
  readonly chart: HTMLElement;
}

/** A line with where its readings come from. */
export interface LiveLine {
  readonly line: Line;
  readonly watch: DeviceWatch;
  readonly expectedMs: number | null;
}

export interface ChartSurroundings {
  readonly cells: ChartCells;
  readonly lines: readonly LiveLine[];
  readonly windowMs: number;
  /** The first chart of a device has the focus until the pointer or the keyboard is in another. */
  readonly isFirst: boolean;
  /** Keys of the lines not to be drawn; a new set whenever that changes. */
  readonly hidden: () => ReadonlySet<string>;
  readonly viewNow: () => number;
  readonly isPaused: () => boolean;
  readonly minIntervalMs: () => number;
  /** A stretch was selected. */
  readonly zoom: (from: number, to: number) => void;
}

/** From when to when a live chart shows at hub time `now`. */
export function liveSpan(now: number, windowMs: number): { readonly from: number; readonly to: number } {
  const to = now - EDGE_LAG_MS;
  return { from: to - windowMs, to };
}

/** Paints one live card while it is in sight. Made anew when theme, window or lines change. */
export class ChartPainter {
  readonly painters: readonly Painter[];
  readonly #around: ChartSurroundings;
  readonly #chart: Chart;
  readonly #legend: LegendPainter;
  readonly #sight: IntersectionObserver;
  readonly #sizes: ResizeObserver;
  #isInSight = true;
  #cursor: Cursor = null;
  #limits: { readonly hidden: ReadonlySet<string>; readonly layer: LimitLayer } | null = null;

  constructor(around: ChartSurroundings) {
    this.#around = around;
    const { cells } = around;
    const lines = around.lines.map(({ line }) => line);
    this.#legend = new LegendPainter(cells.legend, lines);
    if (lines.some(({ metric }) => Object.values(metric.thresholds).some((one) => one !== null))) {
      void loadLimits();
    }
    this.#chart = new Chart(cells.chart, lookOf(cells.card, lines, true), {
      cursorMoved: (cursor) => {
        this.#cursor = cursor;
        this.#paintValues();
      },
      zoom: around.zoom,
    });
    this.#sight = new IntersectionObserver((entries) => {
      this.#isInSight = entries[entries.length - 1]?.isIntersecting ?? true;
    });
    this.#sight.observe(cells.card);
    this.#sizes = new ResizeObserver(() => this.#chart.resize(cells.chart.clientWidth));
    this.#sizes.observe(cells.chart);
    const pace = (ms: () => number) => () => Math.max(ms(), around.minIntervalMs());
    this.painters = [
      {
        intervalMs: pace(() => (this.#isFocused() ? FOCUSED_MS : BESIDE_MS)),
        paint: () => this.#paintChart(),
      },
      { intervalMs: pace(() => VALUE_MS), paint: () => this.#paintValues() },
      { intervalMs: pace(() => SUMMARY_MS), paint: () => this.#paintSummaries() },
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
    return liveSpan(this.#around.viewNow(), this.#around.windowMs);
  }

  #paintChart(): void {
    if (!this.#isInSight) return;
    const { from, to } = this.#span();
    const hidden = this.#around.hidden();
    const lines = this.#around.lines.map(({ line, watch, expectedMs }): DrawnLine => {
      const ring = watch.rings.get(line.metric.name);
      if (!ring || hidden.has(line.key)) return NOTHING;
      const stretch = ring.window(from, to);
      return { stretch, gaps: findGaps(stretch, to, expectedMs) };
    });
    const drawn = lines.filter(({ stretch }) => stretch.times.length > 0);
    const shaded = commonGaps(drawn.map(({ gaps }) => gaps));
    this.#chart.draw({ lines, shaded, limits: this.#limitsBut(hidden), from, to });
  }

  #limitsBut(hidden: ReadonlySet<string>): LimitLayer | null {
    if (limits && this.#limits?.hidden !== hidden) {
      const shown = this.#around.lines.map(({ line }) => line).filter(({ key }) => !hidden.has(key));
      this.#limits = { hidden, layer: limits.limitLayer(shown) };
    }
    return this.#limits?.layer ?? null;
  }

  #paintValues(): void {
    const cursor = this.#cursor;
    const { from } = this.#span();
    this.#legend.paintWhen(cursor ? clockTime(cursor.time) : this.#around.isPaused() ? "Then" : "Now");
    this.#around.lines.forEach((line, place) => {
      const row = this.#legend.row(place);
      const sample = this.#shownSample(line);
      row.paintNote(sample, from, this.#around.viewNow());
      if (cursor) row.paintValue(cursor.points[place]?.value ?? null, true);
      else row.paintValue(sample?.[1] ?? null, sample !== null && sample[0] >= from);
    });
  }

  /** The latest; while paused, the latest as of then. */
  #shownSample({ line, watch }: LiveLine): Sample | null {
    const { isPaused, viewNow } = this.#around;
    const { name } = line.metric;
    const sample = isPaused() ? watch.rings.get(name)?.before(viewNow()) : watch.latest.get(name);
    return sample ?? null;
  }

  #paintSummaries(): void {
    const { from, to } = this.#span();
    this.#around.lines.forEach(({ line, watch }, place) => {
      const ring = watch.rings.get(line.metric.name);
      this.#legend.row(place).paintSummary(ring ? summarize(ring.window(from, to), from, to) : null);
    });
  }
}
