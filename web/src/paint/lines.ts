import type { MetricInfo } from "../live/rest";

/** As many as the stylesheet has. */
const COLOURS = 6;

/** One metric of one device, as a line of a chart. */
export interface Line {
  /** Device and metric, unique. */
  readonly key: string;
  readonly deviceId: string;
  readonly metric: MetricInfo;
  /** Whose it is, where devices are compared. */
  readonly owner: string | null;
  /** Which of the stylesheet's series colours. */
  readonly colour: number;
  /** Which of the shapes along the line; null where it is the chart's only one. */
  readonly shape: number | null;
}

/** Lines that share a chart, because they share a unit. */
export interface LineGroup {
  /** Stays the same while lines come and go. */
  readonly key: string;
  readonly lines: readonly Line[];
}

/** A device with the metrics it has, and the name it goes by. */
export interface Owner {
  readonly id: string;
  readonly name: string;
  readonly metrics: readonly MetricInfo[];
}

/**
 * The charts of a device: one for each unit, and one for each number without a unit. Metrics of other devices
 * with the same name and unit are drawn beside it.
 */
export function groupByUnit(device: Owner, others: readonly Owner[]): LineGroup[] {
  const groups = new Map<string, MetricInfo[]>();
  for (const metric of device.metrics) {
    if (metric.type !== "number") continue;
    const key = metric.unit === null ? `metric ${metric.name}` : `unit ${metric.unit}`;
    const group = groups.get(key);
    if (group) group.push(metric);
    else groups.set(key, [metric]);
  }
  let colour = 0;
  return [...groups].map(([key, metrics]) => {
    const first = colour;
    colour += metrics.length;
    return { key, lines: linesOf(device, others, metrics, first) };
  });
}

function linesOf(
  device: Owner,
  others: readonly Owner[],
  metrics: readonly MetricInfo[],
  firstColour: number,
): Line[] {
  const named: [Owner, MetricInfo][] = metrics.map((metric) => [device, metric]);
  for (const other of others) {
    for (const metric of metrics) {
      const same = other.metrics.find((one) => isSame(one, metric));
      if (same) named.push([other, same]);
    }
  }
  return named.map(([owner, metric], place) => ({
    key: JSON.stringify([owner.id, metric.name]),
    deviceId: owner.id,
    metric,
    owner: others.length > 0 ? owner.name : null,
    colour: (firstColour + place) % COLOURS,
    shape: named.length > 1 ? place : null,
  }));
}

/** Whether two metrics are of one kind, so that they can be compared. */
export function isSame(one: MetricInfo, other: MetricInfo): boolean {
  return one.name === other.name && one.unit === other.unit && one.type === other.type;
}
