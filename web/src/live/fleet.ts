import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { OverviewDevices, OverviewEntry, Presence, Sample, Snapshot } from "./protocol";
import { type DeviceInfo, type MetricInfo, NO_THRESHOLDS } from "./rest";
import { Ring } from "./ring";

/** Enough for the sparkline's minute at the overview's two updates a second. */
const SPARK_POINTS = 160;

export type FleetPhase =
  | { readonly kind: "loading" }
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * One device as the page knows it. What changes with every reading is plain fields for the painters;
 * `info` stays null until REST told it, and such a device is not listed yet.
 */
export class DeviceRecord {
  readonly id: string;
  info: DeviceInfo | null = null;
  /** REST has to describe it anew; until then it is shown as it was. */
  isOutdated = false;
  presence: Presence = "never_seen";
  since: number | null = null;
  /** Hub time of the last sign of life, in milliseconds. */
  lastSeen: number | null = null;
  readonly latest = new Map<string, Sample>();
  /** Rises with every change a painter may want to show. */
  revision = 0;
  #spark: { readonly metric: string; readonly ring: Ring } | null = null;

  constructor(id: string) {
    this.id = id;
  }

  get name(): string {
    return this.info?.name || this.id;
  }

  metric(name: string): MetricInfo | undefined {
    return this.info?.metrics.find((metric) => metric.name === name);
  }

  /** The metric a list row shows: the wished one, else the first number, else the first of any type. */
  shownMetric(wished: string | null): MetricInfo | undefined {
    const metrics = this.info?.metrics ?? [];
    if (wished !== null) return metrics.find((metric) => metric.name === wished);
    return metrics.find((metric) => metric.type === "number") ?? metrics[0];
  }

  /** The points of the sparkline; started anew when another metric is shown. */
  spark(metric: string): Ring {
    if (this.#spark?.metric !== metric) {
      this.#spark = { metric, ring: new Ring(SPARK_POINTS) };
      const now = this.latest.get(metric);
      if (now && typeof now[1] === "number") this.#spark.ring.push(now[0], now[1]);
    }
    return this.#spark.ring;
  }

  clockSet(now: number): void {
    for (const [metric, [time, value]] of this.latest) this.latest.set(metric, [Math.min(time, now), value]);
    if (this.since !== null) this.since = Math.min(this.since, now);
    if (this.lastSeen !== null) this.lastSeen = Math.min(this.lastSeen, now);
    this.#spark = null;
    this.revision++;
  }

  /** The hub knows no other metrics: one may have been renamed or removed while the page was away. */
  keepOnly(snapshot: Snapshot): void {
    for (const metric of this.latest.keys()) {
      if (Object.hasOwn(snapshot, metric)) continue;
      this.latest.delete(metric);
      this.isOutdated = true;
    }
  }

  /** Takes a newer value; an older one, as late readings bring, changes nothing here. */
  take(metric: string, sample: Sample): void {
    const known = this.latest.get(metric);
    if (known && known[0] > sample[0]) return;
    this.latest.set(metric, sample);
    this.revision++;
    if (this.#spark?.metric === metric && typeof sample[1] === "number") {
      this.#spark.ring.push(sample[0], sample[1]);
    }
  }
}

/** All devices, their latest values, and the counts above the list. */
export class Fleet {
  readonly #devices = new Map<string, DeviceRecord>();
  readonly #structure = signal(0);
  readonly #phase = signal<FleetPhase>({ kind: "loading" });
  /** Values taken since the page opened. */
  updates = 0;

  /**
   * Rises when a device appears, goes, is renamed or changes presence: sorting and filtering depend on it.
   */
  get structure(): ReadonlySignal<number> {
    return this.#structure;
  }

  get phase(): ReadonlySignal<FleetPhase> {
    return this.#phase;
  }

  get(deviceId: string): DeviceRecord | undefined {
    return this.#devices.get(deviceId);
  }

  /** Whether REST has not described a known device yet, or one of the metrics that it has values of. */
  lacksDescription(deviceId: string): boolean {
    const device = this.#devices.get(deviceId);
    if (!device) return false;
    if (!device.info || device.isOutdated) return true;
    for (const metric of device.latest.keys()) if (!device.metric(metric)) return true;
    return false;
  }

  /** Those that REST has described, and that are devices to count. */
  *listed(): Iterable<DeviceRecord> {
    for (const device of this.#devices.values()) if (device.info?.counted) yield device;
  }

  count(presence?: Presence): number {
    let count = 0;
    for (const device of this.listed()) if (!presence || device.presence === presence) count++;
    return count;
  }

  /** The whole list from REST: who is not on it is gone. */
  describeAll(infos: readonly DeviceInfo[]): void {
    batch(() => {
      const named = new Set(infos.map((info) => info.id));
      this.#keepOnly((id) => named.has(id));
      for (const info of infos) this.#describe(info);
      this.#structure.value++;
      this.#phase.value = { kind: "ready" };
    });
  }

  /** One device from REST: new, or with a metric it did not have. */
  describe(info: DeviceInfo): void {
    this.#describe(info);
    this.#structure.value++;
  }

  failed(reason: string): void {
    if (this.#phase.value.kind !== "ready") this.#phase.value = { kind: "failed", reason };
  }

  loading(): void {
    if (this.#phase.value.kind !== "ready") this.#phase.value = { kind: "loading" };
  }

  /**
   * Takes an overview that came at hub time `now`.
   * @param isWhole the answer to a subscribe: the full state instead of changes; a device not in it is gone
   * @returns ids whose description is missing or lacks a metric
   */
  overview(entries: OverviewDevices, now: number, isWhole: boolean): string[] {
    const unknown: string[] = [];
    let isChanged = isWhole && this.#keepOnly((id) => Object.hasOwn(entries, id));
    for (const [id, entry] of Object.entries(entries)) {
      if (entry === null) {
        isChanged = this.#devices.delete(id) || isChanged;
        continue;
      }
      const device = entry.renewed ? this.#renewed(id) : this.#record(id);
      isChanged = this.#apply(device, entry, now, isWhole) || entry.renewed || isChanged;
      if (!isDescribed(device, entry)) unknown.push(id);
    }
    if (isChanged) this.#structure.value++;
    return unknown;
  }

  /**
   * The hub's clock was set, and shows `now`: nothing that is known is newer. Else what comes from now on
   * would be taken for older.
   */
  clockSet(now: number): void {
    for (const device of this.#devices.values()) device.clockSet(now);
    this.#structure.value++;
  }

  /** Takes presence told on a device's own channel. */
  presence(deviceId: string, presence: Presence, since: number | null): void {
    const device = this.#devices.get(deviceId);
    if (device && this.#apply(device, { presence, since }, 0, true)) this.#structure.value++;
  }

  /** @returns whether something the list is sorted or filtered by changed */
  #apply(device: DeviceRecord, entry: OverviewEntry, now: number, isWhole: boolean): boolean {
    if (entry.since !== undefined) device.since = entry.since;
    if (isWhole && entry.snapshot) device.keepOnly(entry.snapshot);
    let newest: number | null = device.lastSeen;
    for (const [metric, sample] of Object.entries(entry.snapshot ?? {})) {
      device.take(metric, sample);
      if (isWhole) newest = Math.max(newest ?? sample[0], Math.min(sample[0], now));
      else newest = now;
      this.updates++;
    }
    device.lastSeen = newest;
    if (entry.presence === undefined || entry.presence === device.presence) return false;
    device.presence = entry.presence;
    device.revision++;
    return true;
  }

  #describe(info: DeviceInfo): void {
    const device = this.#record(info.id);
    const isNew = device.info === null;
    device.info = { ...info, metrics: info.metrics.map(sharing) };
    device.isOutdated = false;
    device.lastSeen = latest(device.lastSeen, info.last_seen);
    // Presence that came live is newer than that of a list which was asked for before.
    if (isNew && device.revision === 0) {
      device.presence = info.presence;
      device.since = info.since;
    }
    device.revision++;
  }

  /** @returns whether any device was dropped */
  #keepOnly(isThere: (id: string) => boolean): boolean {
    const gone = [...this.#devices.values()].filter(
      ({ id, info }) => info?.counted !== false && !isThere(id),
    );
    for (const { id } of gone) this.#devices.delete(id);
    return gone.length > 0;
  }

  /**
   * Nothing is left of what was known but its description, so that whoever looks at it does not see it go.
   */
  #renewed(id: string): DeviceRecord {
    const info = this.#devices.get(id)?.info ?? null;
    this.#devices.delete(id);
    const device = this.#record(id);
    device.info = info;
    device.isOutdated = true;
    return device;
  }

  #record(id: string): DeviceRecord {
    let device = this.#devices.get(id);
    if (!device) {
      device = new DeviceRecord(id);
      this.#devices.set(id, device);
    }
    return device;
  }
}

function isDescribed(device: DeviceRecord, entry: OverviewEntry): boolean {
  if (!device.info || device.isOutdated) return false;
  for (const metric of Object.keys(entry.snapshot ?? {})) if (!device.metric(metric)) return false;
  return true;
}

/** Few metrics have thresholds, but there are thousands of metrics: all without share one object. */
function sharing(metric: MetricInfo): MetricInfo {
  const hasAny = Object.values(metric.thresholds).some((bound) => bound !== null);
  return hasAny ? metric : { ...metric, thresholds: NO_THRESHOLDS };
}

function latest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}
