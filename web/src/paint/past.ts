import type { History } from "../live/rest";
import type { Stretch } from "../live/ring";
import { Chart, type Cursor, type DrawnLine, NO_POINTS } from "./chart";
import { moment } from "./format";
import { commonGaps, type Summary, summarize } from "./gaps";
import type { Frame } from "./layers";
import { LegendPainter } from "./legend";
import { limitLayer } from "./limitLayer";
import type { Line } from "./lines";
import { lookOf } from "./look";
import { findPastGaps } from "./pastGaps";
import { fillSpread, type Spread } from "./spread";

/** A line with what the hub stored of it. */
export interface PastLine {
  readonly line: Line;
  readonly history: History;
  readonly expectedMs: number | null;
}

export interface PastCells {
  readonly card: HTMLElement;
  readonly legend: HTMLTableElement;
  readonly chart: HTMLElement;
}

/** A line of the past: its means, with the minimum and maximum of each bucket around them. */
interface Stored extends DrawnLine {
  readonly line: Line;
  readonly summary: Summary | null;
}

/** Draws one card of the past. Nothing moves there: it draws when made, resized, or told. */
export class PastChart {
  readonly #chart: Chart;
  readonly #legend: LegendPainter;
  readonly #sizes: ResizeObserver;
  readonly #lines: readonly Stored[];

  constructor(
    cells: PastCells,
    lines: readonly PastLine[],
    { from, to }: { from: number; to: number },
    zoom: (from: number, to: number) => void,
  ) {
    this.#lines = lines.map((line) => storedOf(line, from, to));
    const names = lines.map(({ line }) => line);
    this.#legend = new LegendPainter(cells.legend, names);
    const isRaw = this.#lines.every(({ below }) => !below);
    this.#chart = new Chart(cells.chart, lookOf(cells.card, names, isRaw), {
      cursorMoved: (cursor) => this.#paintValues(cursor),
      zoom,
    });
    this.#paintValues(null);
    this.#lines.forEach(({ summary }, place) => {
      this.#legend.row(place).paintSummary(summary);
    });
    this.#sizes = new ResizeObserver(() => this.#chart.resize(cells.chart.clientWidth));
    this.#sizes.observe(cells.chart);
  }

  /** Shows the range, without the hidden lines. */
  draw(hidden: ReadonlySet<string>, { from, to }: { from: number; to: number }): void {
    const lines = this.#lines.map((stored): DrawnLine => {
      return hidden.has(stored.line.key) ? { stretch: NO_POINTS, gaps: [] } : stored;
    });
    const drawn = lines.filter(({ stretch }) => stretch.times.length > 0);
    const shaded = commonGaps(drawn.map(({ gaps }) => gaps));
    const shown = this.#lines.map(({ line }) => line).filter(({ key }) => !hidden.has(key));
    this.#chart.draw({ lines, shaded, limits: limitLayer(shown), from, to });
  }

  destroy(): void {
    this.#sizes.disconnect();
    this.#chart.destroy();
  }

  /** Values at the cursor, or the last of the range. */
  #paintValues(cursor: Cursor): void {
    this.#legend.paintWhen(cursor ? moment(cursor.time) : "Last");
    this.#lines.forEach(({ stretch }, place) => {
      const value = cursor ? cursor.points[place]?.value : stretch.values[stretch.values.length - 1];
      this.#legend.row(place).paintValue(value ?? null, true);
    });
  }
}

/** A history as it is drawn, without its empty rows. */
export function storedOf({ line, history, expectedMs }: PastLine, from: number, to: number): Stored {
  const rows = [...history.time.keys()].filter((row) => typeof history.avg[row] === "number");
  const column = (values: readonly (number | null)[]) =>
    Float64Array.from(rows, (row) => values[row] as number);
  const { count } = history;
  const times = column(history.time);
  const values = column(history.avg);
  const counts = count && Uint32Array.from(rows, (row) => count[row] as number);
  const stretch = { times, values, counts };
  const spread = { low: column(history.min), high: column(history.max) };
  const gaps = findPastGaps(times, history.step, from, to, expectedMs);
  const summary = summaryOf(stretch, spread);
  const draw = (frame: Frame, tint: string) => fillSpread(frame, times, spread, gaps, tint);
  const below = history.step === null || !summary ? null : { low: summary.min, high: summary.max, draw };
  return { line, stretch, gaps, below, summary };
}

/** Of the readings in all buckets. */
function summaryOf(stretch: Stretch, { low, high }: Spread): Summary | null {
  const ofMeans = summarize(stretch, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  if (!ofMeans) return null;
  const [min, max] = [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
  return { ...ofMeans, min, max };
}
