import type { Ring } from "../live/ring";
import type { DeviceWatch } from "../live/watch";

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
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = `${watch.deviceId}-${new Date(now).toISOString().replace(/[:.]/g, "-")}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function timestamp(ms: number): string {
  const whole = Math.floor(ms);
  const microseconds = String(Math.round((ms - whole) * 1000)).padStart(3, "0");
  return new Date(whole).toISOString().replace("Z", `${microseconds}Z`);
}

function quoted(name: string): string {
  return /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
