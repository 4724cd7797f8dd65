import type { Sample } from "../live/protocol";
import type { Thresholds } from "../live/rest";
import { concernOf } from "./concern";
import { age, ValueFormatter } from "./format";
import type { Summary } from "./gaps";
import type { Line } from "./lines";
import { setText } from "./rowPainters";

/** A row's cells, left to right. */
const NAME = 0;
const VALUE = 1;
const MIN = 2;
const MEAN = 3;
const MAX = 4;

/** Fills the table above a chart: a row a line, in the order of `lines`. */
export class LegendPainter {
  readonly #rows: readonly LegendRow[];
  readonly #when: HTMLElement | null;

  constructor(table: HTMLTableElement, lines: readonly Line[]) {
    const rows = table.tBodies[0]?.rows ?? [];
    this.#rows = lines.map((line, place) => new LegendRow(rows[place] as HTMLTableRowElement, line));
    this.#when = table.querySelector(".legend-when");
  }

  /** Of when the values are: "Now", or a time under the cursor. */
  paintWhen(text: string): void {
    if (this.#when) setText(this.#when, text);
  }

  row(place: number): LegendRow {
    return this.#rows[place] as LegendRow;
  }
}

export class LegendRow {
  readonly #cells: HTMLCollectionOf<HTMLTableCellElement>;
  readonly #note: HTMLElement | null;
  readonly #thresholds: Thresholds;
  readonly #unit: string | null;
  readonly #figures: ValueFormatter;

  constructor(row: HTMLTableRowElement, line: Line) {
    this.#cells = row.cells;
    this.#note = row.cells[NAME]?.querySelector<HTMLElement>(".legend-note") ?? null;
    this.#thresholds = line.metric.thresholds;
    this.#unit = line.metric.unit;
    this.#figures = new ValueFormatter(line.metric.decimals);
  }

  paintValue(value: number | string | boolean | null): void {
    this.#set(VALUE, value === null ? "–" : this.#figures.value(value, this.#unit));
  }

  /**
   * A note on the latest value: that it is older than the window, which begins at `from`, or past a
   * threshold.
   */
  paintNote(sample: Sample | null, from: number, now: number): void {
    if (!this.#note) return;
    const isOld = sample === null || sample[0] < from;
    const value = sample?.[1];
    const found = !isOld && typeof value === "number" ? concernOf(value, this.#thresholds) : null;
    setText(this.#note, isOld ? lastNote(sample, now) : found ? `${found.mark} ${found.concern}` : "");
    const kind = found?.concern ?? "";
    if (this.#note.dataset.concern !== kind) this.#note.dataset.concern = kind;
  }

  /** A mean has endless decimals; it is shown with as many as the values have. */
  paintSummary(summary: Summary | null): void {
    if (!summary) {
      for (const cell of [MIN, MEAN, MAX]) this.#set(cell, "–");
      return;
    }
    // The one that needs the most decimals decides for all.
    for (const bound of [summary.min, summary.max]) this.#figures.number(bound);
    this.#set(MIN, this.#figures.number(summary.min));
    this.#set(MEAN, this.#figures.number(Number(summary.mean.toFixed(this.#figures.decimals))));
    this.#set(MAX, this.#figures.number(summary.max));
  }

  #set(cell: number, text: string): void {
    const element = this.#cells[cell];
    if (element) setText(element, text);
  }
}

/** What a value from before the window is marked with. */
function lastNote(sample: Sample | null, now: number): string {
  return sample ? `last ${age(now - sample[0])}` : "no reading yet";
}
