import type { DeviceRecord } from "../live/fleet";
import type { Presence } from "../live/protocol";

export type SortKey = "name" | "value" | "state";
export interface Sort {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

/** The order of "state": those that need looking after come first. */
const RANK: Readonly<Record<Presence, number>> = { offline: 0, stale: 1, never_seen: 2, online: 3 };
const NAMES = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** The devices whose name, id, labels or presence hold every word of `query`, in order. */
export function listing(
  devices: Iterable<DeviceRecord>,
  query: string,
  sort: Sort,
  wishedMetric: string | null,
  isProblemsFirst: boolean,
): DeviceRecord[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found: DeviceRecord[] = [];
  for (const device of devices) {
    if (words.length === 0 || matches(device, words)) found.push(device);
  }
  const compare = comparison(sort.key, wishedMetric);
  const sign = sort.isDescending ? -1 : 1;
  return found.sort(
    (a, b) =>
      (isProblemsFirst ? RANK[a.presence] - RANK[b.presence] : 0) ||
      sign * compare(a, b) ||
      NAMES.compare(a.name, b.name) ||
      (a.id < b.id ? -1 : 1),
  );
}

function matches(device: DeviceRecord, words: readonly string[]): boolean {
  const labels = Object.entries(device.info?.labels ?? {}).flatMap(([key, value]) => [
    value,
    `${key}=${value}`,
  ]);
  const text = [device.name, device.id, device.presence.replace("_", " "), ...labels]
    .join("\n")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function comparison(key: SortKey, wishedMetric: string | null): (a: DeviceRecord, b: DeviceRecord) => number {
  switch (key) {
    case "name":
      return (a, b) => NAMES.compare(a.name, b.name);
    case "value":
      return (a, b) => compareNumbers(shownNumber(a, wishedMetric), shownNumber(b, wishedMetric));
    case "state":
      return (a, b) => RANK[a.presence] - RANK[b.presence];
  }
}

/** Devices without a number stand below all that have one. */
function shownNumber(device: DeviceRecord, wishedMetric: string | null): number {
  const metric = device.shownMetric(wishedMetric);
  const value = metric && device.latest.get(metric.name)?.[1];
  return typeof value === "number" ? value : Number.NEGATIVE_INFINITY;
}

function compareNumbers(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Names of all metrics in the fleet, in order; at most a hundred, for a menu. */
export function metricNames(devices: Iterable<DeviceRecord>): string[] {
  const names = new Set<string>();
  for (const device of devices) for (const metric of device.info?.metrics ?? []) names.add(metric.name);
  return [...names].sort(NAMES.compare).slice(0, 100);
}
