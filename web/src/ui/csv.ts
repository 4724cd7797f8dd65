import type { Rest } from "../live/rest";
import { Ring } from "../live/ring";
import { columnsOf, type DeviceWatch } from "../live/watch";
import { saveFile } from "./png";
import type { Range } from "./route";

/** The most that history gives at once; of more readings it gives means. */
const RANGE_POINTS = 10_000;

/**
 * The readings of a window as CSV (RFC 4180): a line an instant, a column a metric, empty where it was not measured.
 * Times are RFC 3339 UTC to the microsecond, so that two readings of one millisecond stay apart.
 */
export function csvOf(rings: ReadonlyMap<string, Ring>, from: number, to: number): string {
  const metrics = [...rings.keys()].sort();
  const lines = new Map<number, (number | "")[]>();
  metrics.forEach((metric, column) => {
    const { times, values } = (rings.get(metric) as Ring).window(from, to);
    for (let i = 0; i < times.length; i++) {
      const time = times[i] as number;
      if (time < from || time > to) continue;
      let line = lines.get(time);
      if (!line) {
        line = metrics.map(() => "");
        lines.set(time, line);
      }
      line[column] = values[i] as number;
    }
  });
  const rows = [...lines].sort(([a], [b]) => a - b);
  const text = [["time", ...metrics.map(quoted)], ...rows.map(([time, line]) => [timestamp(time), ...line])];
  return text.map((cells) => `${cells.join(",")}\r\n`).join("");
}

/** Has the browser save the window as `<device>-<time>.csv`. */
export function saveWindowAsCsv(watch: DeviceWatch, now: number, windowS: number): void {
  const text = csvOf(watch.rings, now - windowS * 1000, now);
  saveFile(new Blob([text], { type: "text/csv" }), csvName(watch.deviceId, now));
}

/** Has the browser save a range of the past, as much of it as one answer holds of each metric. */
export async function saveRangeAsCsv(rest: Rest, deviceId: string, metrics: readonly string[], range: Range) {
  const rings = new Map<string, Ring>();
  for (const metric of metrics) {
    const { times, values } = columnsOf(
      await rest.history(deviceId, metric, range.from, range.to, RANGE_POINTS),
    );
    const ring = new Ring(RANGE_POINTS + 1);
    ring.merge(times, values);
    rings.set(metric, ring);
  }
  const text = csvOf(rings, range.from, range.to);
  saveFile(new Blob([text], { type: "text/csv" }), csvName(deviceId, range.to));
}

function csvName(deviceId: string, time: number): string {
  return `${deviceId}-${new Date(time).toISOString().replace(/[:.]/g, "-")}.csv`;
}

function timestamp(ms: number): string {
  const whole = Math.floor(ms);
  const microseconds = String(Math.round((ms - whole) * 1000)).padStart(3, "0");
  return new Date(whole).toISOString().replace("Z", `${microseconds}Z`);
}

function quoted(name: string): string {
  return /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
