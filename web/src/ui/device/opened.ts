import type { DeviceRecord } from "../../live/fleet";
import { type MetricInfo, NO_THRESHOLDS } from "../../live/rest";
import type { DeviceWatch } from "../../live/watch";
import type { LiveLine } from "../../paint/charts";
import { groupByUnit, type Line, type LineGroup, type Owner } from "../../paint/lines";

/** A device with what it sends. */
export interface Opened {
  readonly device: DeviceRecord;
  readonly watch: DeviceWatch;
}

/** The charts of the first device, with the same metrics of the others. */
export function lineGroupsOf([first, ...others]: readonly Opened[]): LineGroup[] {
  return first ? groupByUnit(ownerOf(first), others.map(ownerOf)) : [];
}

function ownerOf({ device, watch }: Opened): Owner {
  return { id: device.id, name: device.name, metrics: metricsOf(device, watch) };
}

/** The metrics that REST described, and then those that came live and are not described yet. */
export function metricsOf(device: DeviceRecord, watch: DeviceWatch): MetricInfo[] {
  const described = device.info?.metrics ?? [];
  const known = new Set(described.map((metric) => metric.name));
  const fresh = watch.metrics.value
    .filter((name) => !known.has(name))
    .map((name): MetricInfo => {
      const kind = typeof watch.latest.get(name)?.[1];
      const type = kind === "number" || kind === "boolean" ? kind : "text";
      return {
        name,
        type,
        unit: null,
        minimum: null,
        maximum: null,
        decimals: null,
        thresholds: NO_THRESHOLDS,
      };
    });
  return [...described, ...fresh];
}

/** A line with its device's readings. Throws where that is none of the opened. */
export function liveLine(line: Line, opened: readonly Opened[]): LiveLine {
  const owner = opened.find(({ device }) => device.id === line.deviceId);
  if (!owner) throw new Error(`a line of ${line.deviceId}, which is not open`);
  return { line, watch: owner.watch, expectedMs: expectedMsOf(owner.device) };
}

export function expectedMsOf(device: DeviceRecord): number | null {
  const expectedS = device.info?.expected_interval_s ?? null;
  return expectedS === null ? null : expectedS * 1000;
}
