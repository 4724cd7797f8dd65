import type { DeviceChange, MetricChange } from "../../../live/deviceRest";
import {
  type DeviceInfo,
  type MetricInfo,
  NO_THRESHOLDS,
  type Retention,
  type Thresholds,
} from "../../../live/rest";
import { labelsOf, labelsText } from "../../parts/labels";
import { numberOf } from "../parseInput";

/** What stands in the fields, by path. */
export type Texts = Readonly<Record<string, string>>;

export const TIERS = ["raw_s", "minute_s", "hour_s"] as const;
export type Tier = (typeof TIERS)[number];
export const BOUNDS = ["critical_low", "warning_low", "warning_high", "critical_high"] as const;
export type Bound = (typeof BOUNDS)[number];
export const TIER_WORD: Readonly<Record<Tier, string>> = {
  raw_s: "Every reading",
  minute_s: "By the minute",
  hour_s: "By the hour",
};
export const BOUND_WORD: Readonly<Record<Bound, string>> = {
  critical_low: "Critical below",
  warning_low: "Warning below",
  warning_high: "Warning above",
  critical_high: "Critical above",
};
const DAY_S = 86_400;
const DECIMALS_MOST = 6;

export function metricPath(metric: string, field: string): string {
  return `metrics/${metric}/${field}`;
}

export function daysPath(tier: Tier): string {
  return `retention.${tier}/days`;
}

function plain(value: number | string | null | undefined): string {
  return value === null || value === undefined ? "" : String(value);
}

/** The fields' texts for a device as it is. Retention is "hub", "ever" or "days", with their number. */
export function textsOf(info: DeviceInfo): Texts {
  const texts: Record<string, string> = {
    name: info.name,
    labels: labelsText(info.labels),
    expected_interval_s: plain(info.expected_interval_s),
  };
  for (const tier of TIERS) {
    const spanS = info.retention[tier];
    texts[`retention.${tier}`] = spanS === null ? "hub" : spanS === 0 ? "ever" : "days";
    texts[daysPath(tier)] = spanS ? plain(Number((spanS / DAY_S).toFixed(4))) : "";
  }
  for (const metric of info.metrics) {
    for (const field of ["unit", "decimals", "minimum", "maximum"] as const) {
      texts[metricPath(metric.name, field)] = plain(metric[field]);
    }
    for (const bound of BOUNDS) texts[metricPath(metric.name, bound)] = plain(metric.thresholds[bound]);
  }
  return texts;
}

/** What was typed: `change` is what to ask the hub for; `faults` says, by path, what is wrong. */
export interface ReadDraft {
  readonly change: DeviceChange;
  readonly faults: Texts;
  /** Paths of the fields that differ. */
  readonly changed: readonly string[];
}

export function readDraft(info: DeviceInfo, edits: Texts): ReadDraft {
  const before = textsOf(info);
  const changed = Object.keys(before).filter((path) => path in edits && edits[path] !== before[path]);
  const fields = new TypedFields({ ...before, ...edits }, new Set(changed));
  return { change: changeOf(info, fields), faults: fields.faults, changed };
}

function changeOf(info: DeviceInfo, fields: TypedFields): DeviceChange {
  const retention = retentionOf(info.retention, fields);
  const metrics = info.metrics.flatMap((metric) => metricOf(metric, fields) ?? []);
  const { has, text, take } = fields;
  return {
    ...(has("name") && { name: text("name") }),
    ...(has("labels") && { labels: take("labels", () => labelsOf(text("labels"))) ?? {} }),
    ...(has("expected_interval_s") && { expected_interval_s: intervalOf(fields) }),
    ...(retention && { retention }),
    ...(metrics.length > 0 && { metrics }),
  };
}

/** Reads single fields and notes what is wrong with them. */
class TypedFields {
  readonly faults: Record<string, string> = {};
  readonly #texts: Texts;
  readonly #changed: ReadonlySet<string>;

  constructor(texts: Texts, changed: ReadonlySet<string>) {
    this.#texts = texts;
    this.#changed = changed;
  }

  readonly has = (path: string): boolean => this.#changed.has(path);

  readonly text = (path: string): string => (this.#texts[path] ?? "").trim();

  readonly take = <T>(path: string, parse: () => T): T | null => {
    try {
      return parse();
    } catch (error) {
      this.faults[path] = error instanceof Error ? error.message : String(error);
      return null;
    }
  };

  number(path: string, holds: (value: number) => boolean = () => true, wanted = ""): number | null {
    return this.take(path, () => {
      const value = numberOf(this.text(path), "Here");
      if (value !== null && !holds(value)) throw new Error(wanted);
      return value;
    });
  }
}

function intervalOf(fields: TypedFields): number | null {
  return fields.number("expected_interval_s", (value) => value > 0, "More than 0 seconds.");
}

/** Fields that were not edited keep their exact value: days are shown rounded. */
function retentionOf(known: Retention, fields: TypedFields): Retention | null {
  const isTouched = (tier: Tier) => fields.has(`retention.${tier}`) || fields.has(daysPath(tier));
  if (!TIERS.some(isTouched)) return null;
  const spanOf = (tier: Tier): number | null => {
    if (!isTouched(tier)) return known[tier];
    const kind = fields.text(`retention.${tier}`);
    if (kind !== "days") return kind === "ever" ? 0 : null;
    const path = daysPath(tier);
    const days = fields.number(path, (value) => value > 0, "More than 0 days.");
    if (fields.text(path) === "") fields.faults[path] = "How many days?";
    return days === null ? null : days * DAY_S;
  };
  const wanted: Retention = {
    raw_s: spanOf("raw_s"),
    minute_s: spanOf("minute_s"),
    hour_s: spanOf("hour_s"),
  };
  noteShorter(wanted, fields);
  return wanted;
}

/** A coarser tier is kept at least as long as a finer one. */
function noteShorter(wanted: Retention, fields: TypedFields): void {
  let finer: { tier: Tier; spanS: number } | null = null;
  for (const tier of TIERS) {
    const spanS = wanted[tier];
    if (spanS === null) continue;
    if (finer && spanS !== 0 && (finer.spanS === 0 || spanS < finer.spanS)) {
      const word = TIER_WORD[finer.tier].toLowerCase();
      fields.faults[daysPath(tier)] ??= `Not shorter than “${word}”: what is coarser is kept as long.`;
    }
    finer = { tier, spanS };
  }
}

function metricOf(metric: MetricInfo, fields: TypedFields): MetricChange | null {
  const path = (field: string) => metricPath(metric.name, field);
  const has = (field: string) => fields.has(path(field));
  const change: MetricChange = {
    name: metric.name,
    ...(has("unit") && { unit: fields.text(path("unit")) || null }),
    ...(has("decimals") && {
      decimals: fields.number(
        path("decimals"),
        (value) => Number.isInteger(value) && value >= 0 && value <= DECIMALS_MOST,
        `A whole number, 0 to ${DECIMALS_MOST}.`,
      ),
    }),
    ...((has("minimum") || has("maximum")) && minMaxOf(metric, fields)),
    ...(BOUNDS.some(has) && { thresholds: thresholdsOf(metric, fields) }),
  };
  return Object.keys(change).length > 1 ? change : null;
}

function minMaxOf(metric: MetricInfo, fields: TypedFields): Pick<MetricInfo, "minimum" | "maximum"> {
  const path = metricPath(metric.name, "maximum");
  const minimum = fields.number(metricPath(metric.name, "minimum"));
  const maximum = fields.number(path);
  if (minimum !== null && maximum !== null && minimum > maximum) {
    fields.faults[path] = "Not less than “Refuse below”.";
  }
  return { minimum, maximum };
}

function thresholdsOf(metric: MetricInfo, fields: TypedFields): Thresholds {
  const bounds = { ...NO_THRESHOLDS } as Record<Bound, number | null>;
  let lower: { bound: Bound; value: number } | null = null;
  for (const bound of BOUNDS) {
    const value = fields.number(metricPath(metric.name, bound));
    bounds[bound] = value;
    if (value === null) continue;
    if (lower && value <= lower.value) {
      const word = BOUND_WORD[lower.bound].toLowerCase();
      fields.faults[metricPath(metric.name, bound)] ??= `More than “${word}”, ${lower.value}.`;
    }
    lower = { bound, value };
  }
  return bounds;
}

/** The field of what the hub found at fault: "metrics.0.thresholds.warning_low" of what was sent. */
export function pathOf(where: string, change: DeviceChange): string {
  const [, index, field] = /^metrics\.(\d+)\.(?:thresholds\.)?(\w+)$/.exec(where) ?? [];
  const metric = index === undefined ? undefined : change.metrics?.[Number(index)];
  if (metric && field) return metricPath(metric.name, field);
  return where.startsWith("retention.") ? `${where}/days` : where;
}

/** What is set of a metric, in a line. */
export function settingsSummary({ unit, decimals, minimum, maximum, thresholds, type }: MetricInfo): string {
  const sides = (low: number | null, high: number | null, word: string) => {
    const said = [low !== null && `below ${low}`, high !== null && `above ${high}`].filter(Boolean);
    return said.length > 0 && `${word} ${said.join(" or ")}`;
  };
  const parts = [
    type !== "number" && type,
    unit,
    decimals !== null && `${decimals} ${decimals === 1 ? "decimal" : "decimals"}`,
    sides(minimum, maximum, "refused"),
    sides(thresholds.warning_low, thresholds.warning_high, "warning"),
    sides(thresholds.critical_low, thresholds.critical_high, "critical"),
  ];
  return parts.filter(Boolean).join(" · ");
}
