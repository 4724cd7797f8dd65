import type { DeviceRecord } from "../live/fleet";
import type { Thresholds } from "../live/rest";
import { concernOf, paintConcern } from "./concern";
import { age, ValueFormatter } from "./format";
import type { Painter } from "./loop";
import { paintSparkline } from "./sparkline";

const VALUES_MS = 100;
const SPARKS_MS = 500;
const AGES_MS = 1_000;

/** One value in a row. */
export interface ValueCell {
  readonly element: HTMLElement;
  /** Shows that the value is past a threshold. */
  readonly mark: HTMLElement;
  /** The metric shown, by name; undefined where the device has none. */
  readonly metric: string | undefined;
  readonly unit: string | null | undefined;
  readonly decimals: number | null;
  readonly thresholds: Thresholds;
}

/** The cells of one list row that change with readings. */
export interface RowCells {
  readonly device: DeviceRecord;
  readonly values: readonly ValueCell[];
  /** Of a number; null where there is nothing to draw. */
  readonly spark: { readonly canvas: HTMLCanvasElement; readonly metric: string } | null;
  readonly age: HTMLElement;
}

interface Row extends RowCells {
  readonly figures: readonly ValueFormatter[];
  revision: number;
}

/** Paints the list rows that are in the document: values, sparklines and ages, each at its own pace. */
export class RowPainters {
  readonly #rows = new Set<Row>();
  readonly #hubNow: () => number;
  readonly #colour: () => string;
  readonly painters: readonly Painter[];

  constructor(hubNow: () => number, colour: () => string, minIntervalMs: () => number) {
    this.#hubNow = hubNow;
    this.#colour = colour;
    const pace = (ms: number) => () => Math.max(ms, minIntervalMs());
    this.painters = [
      { intervalMs: pace(VALUES_MS), paint: () => this.#each((row) => this.#paintValues(row)) },
      { intervalMs: pace(SPARKS_MS), paint: () => this.#each((row) => this.#paintSpark(row)) },
      { intervalMs: pace(AGES_MS), paint: () => this.#each((row) => this.#paintAge(row)) },
    ];
  }

  /** Fills a row's cells at once and keeps them filled; call what it returns to stop. */
  add(cells: RowCells): () => void {
    const row: Row = {
      ...cells,
      figures: cells.values.map(({ decimals }) => new ValueFormatter(decimals)),
      revision: -1,
    };
    this.#rows.add(row);
    this.#paintValues(row);
    this.#paintAge(row);
    this.#paintSpark(row);
    return () => {
      this.#rows.delete(row);
    };
  }

  /** Writes every value again with the next paint: the locale changed. */
  paintAgain(): void {
    for (const row of this.#rows) row.revision = -1;
  }

  /** The rows in the document. */
  shown(): Iterable<RowCells> {
    return this.#rows;
  }

  #each(paint: (row: Row) => void): void {
    for (const row of this.#rows) paint(row);
  }

  #paintValues(row: Row): void {
    if (row.revision === row.device.revision) return;
    row.revision = row.device.revision;
    row.values.forEach(({ element, mark, metric, unit, thresholds }, index) => {
      const value = metric === undefined ? undefined : row.device.latest.get(metric)?.[1];
      setText(element, value === undefined ? "–" : (row.figures[index] as ValueFormatter).value(value, unit));
      paintConcern(mark, typeof value === "number" ? concernOf(value, thresholds) : null);
    });
  }

  #paintAge(row: Row): void {
    const seen = row.device.lastSeen;
    setText(row.age, seen === null ? "" : age(this.#hubNow() - seen));
  }

  #paintSpark(row: Row): void {
    if (!row.spark) return;
    const { canvas, metric } = row.spark;
    paintSparkline(canvas, row.device.spark(metric), this.#hubNow(), this.#colour());
  }
}

/** Writes only what changed: an equal text would still cost a layout. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
