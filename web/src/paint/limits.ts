import type { Thresholds } from "../live/rest";
import type { Concern } from "./concern";
import type { Line } from "./lines";

/** A value from which on a metric is past a threshold. */
export interface Limit {
  readonly value: number;
  readonly concern: Concern;
  readonly isHigh: boolean;
  readonly label: string;
}

/** A range of values past a threshold; it may be open on one side. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly concern: Concern;
}

export interface Limits {
  readonly limits: readonly Limit[];
  readonly bands: readonly Band[];
}

export const NO_LIMITS: Limits = { limits: [], bands: [] };

/**
 * The thresholds of a chart's lines: labelled limits and, where all lines have the same, bands.
 * Otherwise bands would cover each other; the limits then say whose they are.
 */
export function limitsOf(lines: readonly Line[]): Limits {
  const bounded = lines.filter(({ metric }) => Object.values(metric.thresholds).some((one) => one !== null));
  const [first] = bounded;
  if (!first) return NO_LIMITS;
  const whole = (line: Line) => JSON.stringify(limitsIn(line.metric.thresholds, ""));
  if (bounded.every((line) => whole(line) === whole(first))) {
    const { thresholds } = first.metric;
    const name = bounded.length === lines.length ? "" : nameOf(first);
    return { limits: limitsIn(thresholds, name), bands: bandsIn(thresholds) };
  }
  return { limits: bounded.flatMap((line) => limitsIn(line.metric.thresholds, nameOf(line))), bands: [] };
}

function nameOf({ metric, owner }: Line): string {
  return owner === null ? `${metric.name} ` : `${metric.name} ${owner} `;
}

function limitsIn(thresholds: Thresholds, name: string): Limit[] {
  const { critical_low, warning_low, warning_high, critical_high } = thresholds;
  const limit = (value: number | null, concern: Concern, isHigh: boolean): Limit[] =>
    value === null ? [] : [{ value, concern, isHigh, label: `${name}${concern}` }];
  return [
    ...limit(critical_low, "critical", false),
    ...limit(critical_high, "critical", true),
    ...limit(warning_low, "warning", false),
    ...limit(warning_high, "warning", true),
  ];
}

function bandsIn({ critical_low, warning_low, warning_high, critical_high }: Thresholds): Band[] {
  const bands: Band[] = [];
  const [lowest, highest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  if (critical_low !== null) bands.push({ from: lowest, to: critical_low, concern: "critical" });
  if (warning_low !== null) bands.push({ from: critical_low ?? lowest, to: warning_low, concern: "warning" });
  if (warning_high !== null) {
    bands.push({ from: warning_high, to: critical_high ?? highest, concern: "warning" });
  }
  if (critical_high !== null) bands.push({ from: critical_high, to: highest, concern: "critical" });
  return bands;
}
