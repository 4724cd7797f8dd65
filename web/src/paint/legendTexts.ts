import type { Value } from "../live/protocol";
import { ValueFormatter } from "./format";
import type { Summary } from "./gaps";

const NOTHING = "–";

/**
 * What a legend says of one line: its value, and minimum, mean and maximum of the window.
 *
 * The value is painted more often than the others, and may be newer than the right edge of the chart. So it
 * widens the minimum and maximum beside it, and all four are written with the same decimals: it is never
 * outside them.
 */
export class LegendTexts {
  value: Value | null = null;
  /** Whether the value was measured in the window; an older one says nothing of minimum and maximum. */
  isInWindow = false;
  summary: Summary | null = null;
  readonly #unit: string | null;
  readonly #figures: ValueFormatter;

  constructor(decimals: number | null, unit: string | null) {
    this.#figures = new ValueFormatter(decimals);
    this.#unit = unit;
  }

  /** Value, minimum, mean, maximum. */
  write(): readonly [string, string, string, string] {
    const { value } = this;
    // Kept: a maximum that was shown must not fall before the next summary, which has it too.
    this.summary = this.#widened();
    const { summary } = this;
    // The number that needs the most decimals decides for all.
    if (typeof value === "number") this.#figures.number(value);
    for (const bound of summary ? [summary.min, summary.max] : []) this.#figures.number(bound);
    const shown = value === null ? NOTHING : this.#figures.value(value, this.#unit);
    if (!summary) return [shown, NOTHING, NOTHING, NOTHING];
    // A mean has endless decimals; it is shown with as many as the others have.
    const mean = Number(summary.mean.toFixed(this.#figures.decimals));
    return [shown, ...([summary.min, mean, summary.max].map((one) => this.#figures.number(one)) as Three)];
  }

  #widened(): Summary | null {
    const { value, summary } = this;
    if (typeof value !== "number" || (!summary && !this.isInWindow)) return summary;
    if (!summary) return { min: value, mean: value, max: value };
    return { ...summary, min: Math.min(summary.min, value), max: Math.max(summary.max, value) };
  }
}

type Three = [string, string, string];
