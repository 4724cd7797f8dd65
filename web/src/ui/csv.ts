import type { Rest } from "../live/rest";
import { Ring } from "../live/ring";
import { columnsOf } from "../live/watch";
import { metricsOf, type Opened } from "./opened";
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
export function saveWindowAsCsv(opened: readonly Opened[], now: number, windowS: number): void {
  const rings = new Map<string, Ring>();
  opened.forEach(({ device, watch }, place) => {
    for (const [metric, ring] of watch.rings) rings.set(columnName(device.id, metric, place), ring);
  });
  save(csvOf(rings, now - windowS * 1000, now), opened, now);
}

/** Has the browser save a range of the past, as much of it as one answer holds of each metric. */
export async function saveRangeAsCsv(rest: Rest, opened: readonly Opened[], range: Range): Promise<void> {
  const rings = new Map<string, Ring>();
  for (const [place, { device, watch }] of opened.entries()) {
    for (const { name, type } of metricsOf(device, watch)) {
      if (type !== "number") continue;
      const history = await rest.history(device.id, name, range.from, range.to, RANGE_POINTS);
      const { times, values } = columnsOf(history);
      const ring = new Ring(RANGE_POINTS + 1);
      ring.merge(times, values);
      rings.set(columnName(device.id, name, place), ring);
    }
  }
  save(csvOf(rings, range.from, range.to), opened, range.to);
}

/** The open device's metrics go by their names; those of the others have their device before it. */
function columnName(deviceId: string, metric: string, place: number): string {
  return place === 0 ? metric : `${deviceId}/${metric}`;
}

function save(text: string, opened: readonly Opened[], time: number): void {
  saveFile(new Blob([text], { type: "text/csv" }), csvName(opened[0]?.device.id ?? "", time));
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
