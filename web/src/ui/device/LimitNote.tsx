import type { DeviceRecord } from "../../live/fleet";
import { moment } from "../../paint/format";

const SENDS_TOO: Readonly<Record<string, string>> = {
  "limits.readings_per_s": "many readings",
  "limits.values_per_s": "many values",
  "limits.bytes_per_s": "many bytes",
};

/** Says that a device is held back, by which limit and since when. Nothing of what it sends is lost. */
export function LimitNote({ device }: { device: DeviceRecord }) {
  const limited = Object.entries(device.info?.limited ?? {});
  if (limited.length === 0) return null;
  return (
    <div class="banner banner-retry" role="alert">
      <span>
        {limited.map(([limit, { since }]) => (
          <span key={limit}>
            It sends too {SENDS_TOO[limit] ?? "much"} a second ({limit}), and is read more slowly since{" "}
            {moment(since)}. Nothing is lost.{" "}
          </span>
        ))}
      </span>
    </div>
  );
}
