import type { Sample, Value } from "../live/protocol";
import type { Thresholds } from "../live/rest";
import { concernOf } from "./concern";
import { age } from "./format";
import type { Summary } from "./gaps";
import { LegendTexts } from "./legendTexts";
import type { Line } from "./lines";
import { setText } from "./rowPainters";

/** The place of a row's name; its values are right of it. */
const NAME = 0;

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
  readonly #texts: LegendTexts;

  constructor(row: HTMLTableRowElement, line: Line) {
    this.#cells = row.cells;
    this.#note = row.cells[NAME]?.querySelector<HTMLElement>(".legend-note") ?? null;
    this.#thresholds = line.metric.thresholds;
    this.#texts = new LegendTexts(line.metric.decimals, line.metric.unit);
  }

  /** @param isInWindow whether it was measured in the window that the chart shows */
  paintValue(value: Value | null, isInWindow: boolean): void {
    this.#texts.value = value;
    this.#texts.isInWindow = isInWindow;
    this.#paint();
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

  paintSummary(summary: Summary | null): void {
    this.#texts.summary = summary;
    this.#paint();
  }

  /** All at once: what is written of one depends on the others. */
  #paint(): void {
    this.#texts.write().forEach((text, place) => {
      const cell = this.#cells[NAME + 1 + place];
      if (cell) setText(cell, text);
    });
  }
}

/** The note on a value that is older than the window. */
function lastNote(sample: Sample | null, now: number): string {
  return sample ? `last ${age(now - sample[0])}` : "no reading yet";
}
