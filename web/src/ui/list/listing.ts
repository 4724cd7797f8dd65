import type { DeviceRecord } from "../../live/fleet";
import type { Presence } from "../../live/protocol";
import type { ListView, Sort } from "../listView";

/** Those that need looking after come first. */
const RANK: Readonly<Record<Presence, number>> = { offline: 0, stale: 1, never_seen: 2, online: 3 };
/** The states a group's heading counts. */
export const PROBLEMS = ["offline", "stale", "never_seen"] as const;
const NAMES = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const NAMES_MAX = 100;

type Comparison = (a: DeviceRecord, b: DeviceRecord) => number;

/** The devices whose name, id, labels or presence hold every word of the search, in order. */
export function listing(
  devices: Iterable<DeviceRecord>,
  { search, sort, metrics }: Pick<ListView, "search" | "sort" | "metrics">,
): DeviceRecord[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...devices];
  const found = words.length === 0 ? all : all.filter((device) => matches(device, words));
  const compareNames = byName(all);
  const compare = comparison(sort, metrics[0] ?? null) ?? compareNames;
  const sign = sort.isDescending ? -1 : 1;
  return found.sort((a, b) => sign * compare(a, b) || compareNames(a, b));
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

/** Null is the order of names. */
function comparison({ key, metric }: Sort, firstMetric: string | null): Comparison | null {
  switch (key) {
    case "name":
      return null;
    case "problems":
      return (a, b) => RANK[a.presence] - RANK[b.presence];
    case "value": {
      const wished = metric ?? firstMetric;
      return (a, b) => compareNumbers(shownNumber(a, wished), shownNumber(b, wished));
    }
    case "seen":
      return (a, b) => compareNumbers(a.lastSeen ?? 0, b.lastSeen ?? 0);
  }
}

const places = new WeakMap<DeviceRecord, { readonly name: string; readonly place: number }>();

/**
 * Compares by name, with numbers in their order, then by id. That is slow, and a list of thousands is sorted
 * again whenever a device appears or goes: so each device remembers its place until one is new or renamed.
 */
function byName(devices: readonly DeviceRecord[]): Comparison {
  if (devices.some((device) => places.get(device)?.name !== device.name)) {
    const sorted = [...devices].sort((a, b) => NAMES.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
    sorted.forEach((device, place) => {
      places.set(device, { name: device.name, place });
    });
  }
  const placeOf = (device: DeviceRecord) => places.get(device)?.place ?? 0;
  return (a, b) => placeOf(a) - placeOf(b);
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

/** Devices that share a label's value; `value` is null for those without the label. */
export interface Group {
  readonly value: string | null;
  readonly devices: readonly DeviceRecord[];
  /** How many of them are in each state that needs looking after. */
  readonly problems: Readonly<Record<(typeof PROBLEMS)[number], number>>;
}

/**
 * Groups the devices by a label's value, keeping their order. With problems first, groups that have any come
 * first.
 */
export function groupsByLabel(
  devices: readonly DeviceRecord[],
  key: string,
  isProblemsFirst: boolean,
): Group[] {
  const members = new Map<string | null, DeviceRecord[]>();
  for (const device of devices) {
    const value = device.info?.labels[key] ?? null;
    const group = members.get(value);
    if (group) group.push(device);
    else members.set(value, [device]);
  }
  const groups = [...members].map(([value, found]): Group => {
    const problems = { offline: 0, stale: 0, never_seen: 0 };
    for (const { presence } of found) if (presence !== "online") problems[presence]++;
    return { value, devices: found, problems };
  });
  const urgency = ({ problems }: Group) => (problems.offline ? 0 : problems.stale ? 1 : 2);
  return groups.sort(
    (a, b) => (isProblemsFirst ? urgency(a) - urgency(b) : 0) || compareValues(a.value, b.value),
  );
}

function compareValues(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return NAMES.compare(a, b) || (a < b ? -1 : 1);
}

/** A line of the list: a group's heading, or a device. Its key says which. */
export type GridLine =
  | { readonly kind: "group"; readonly key: string; readonly group: Group; readonly isOpen: boolean }
  | { readonly kind: "device"; readonly key: string; readonly device: DeviceRecord };

export function deviceKey(deviceId: string): string {
  return `device:${deviceId}`;
}

export function linesOfDevices(devices: readonly DeviceRecord[]): GridLine[] {
  return devices.map((device) => ({ kind: "device", key: deviceKey(device.id), device }));
}

/** Headings with their devices below; of a closed group only the heading. `closed` holds keys of headings. */
export function linesOfGroups(groups: readonly Group[], closed: ReadonlySet<string>): GridLine[] {
  return groups.flatMap((group) => {
    const key = group.value === null ? "rest" : `group:${group.value}`;
    const isOpen = !closed.has(key);
    const heading: GridLine = { kind: "group", key, group, isOpen };
    return isOpen ? [heading, ...linesOfDevices(group.devices)] : [heading];
  });
}

/** Names of all metrics in the fleet, in order; at most a hundred, for a menu. */
export function metricNames(devices: Iterable<DeviceRecord>): string[] {
  const names = new Set<string>();
  for (const device of devices) for (const metric of device.info?.metrics ?? []) names.add(metric.name);
  return [...names].sort(NAMES.compare).slice(0, NAMES_MAX);
}

/** Keys of all labels in the fleet, in order; at most a hundred, for a menu. */
export function labelKeys(devices: Iterable<DeviceRecord>): string[] {
  const keys = new Set<string>();
  for (const device of devices) for (const key of Object.keys(device.info?.labels ?? {})) keys.add(key);
  return [...keys].sort(NAMES.compare).slice(0, NAMES_MAX);
}
