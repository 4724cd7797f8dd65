import { type DeviceInfo, NO_THRESHOLDS } from "../src/live/rest";

/** A device as REST describes it, with one number metric. */
export function infoOf(id: string, more: Partial<DeviceInfo> = {}): DeviceInfo {
  return {
    id,
    name: "",
    labels: {},
    expected_interval_s: null,
    presence: "never_seen",
    since: null,
    last_seen: null,
    counted: true,
    sequence: { highest: null, repeated: 0, repeated_since: null },
    limited: {},
    retention: { raw_s: null, minute_s: null, hour_s: null },
    metrics: [
      {
        name: "temperature",
        type: "number",
        unit: "°C",
        minimum: null,
        maximum: null,
        decimals: null,
        thresholds: NO_THRESHOLDS,
      },
    ],
    ...more,
  };
}
