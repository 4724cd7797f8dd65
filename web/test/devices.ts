import type { DeviceInfo } from "../src/live/rest";

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
    metrics: [{ name: "temperature", type: "number", unit: "°C", minimum: null, maximum: null }],
    ...more,
  };
}
