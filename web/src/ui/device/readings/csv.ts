import type { History, Rest } from "../../../live/rest";
import type { Ring } from "../../../live/ring";
import type { Range } from "../../route";
import { metricsOf, type Opened } from "../opened";
import { saveFile } from "./png";

/** The most rows history gives at once; of more readings each row stands for several. */
const RANGE_POINTS = 10_000;

/** One column, an entry for each line; null is an empty cell. */
interface Column {
  readonly name: string;
  readonly times: ArrayLike<number>;
  readonly values: ArrayLike<number | null>;
}

/**
 * Columns as CSV (RFC 4180): a line an instant, empty where it was not measured.
 * Times are RFC 3339 UTC to the microsecond, so that two readings of one millisecond stay apart.
 */
export function csvOf(columns: readonly Column[]): string {
  const lines = new Map<number, (number | "")[]>();
  columns.forEach(({ times, values }, place) => {
    for (let i = 0; i < times.length; i++) {
      const time = times[i] as number;
      let line = lines.get(time);
      if (!line) {
        line = columns.map(() => "");
        lines.set(time, line);
      }
      line[place] = values[i] ?? "";
    }
  });
  const rows = [...lines].sort(([a], [b]) => a - b);
  const head = ["time", ...columns.map(({ name }) => quoted(name))];
  const text = [head, ...rows.map(([time, line]) => [timestamp(time), ...line])];
  return text.map((cells) => `${cells.join(",")}\r\n`).join("");
}

/** A column for each ring, with its points of the window, ordered by name. */
export function columnsOfWindow(rings: ReadonlyMap<string, Ring>, from: number, to: number): Column[] {
  return [...rings.keys()].sort().map((name) => {
    const { times, values } = (rings.get(name) as Ring).window(from, to);
    const isInside = (_: number, at: number) => (times[at] as number) >= from && (times[at] as number) <= to;
    return { name, times: times.filter(isInside), values: values.filter(isInside) };
  });
}

/**
 * A metric's history. Single readings are one column under the metric's own name, as in a live window, so
 * that the hub can import the file. Rows that stand for several readings have columns for minimum, mean and
 * maximum, with the unit, and for their number; the time is then the start of the row's bucket.
 */
export function columnsOfHistory(name: string, unit: string | null, history: History): Column[] {
  const { time: times, min, avg, max, count } = history;
  if (count === null) return [{ name, times, values: avg }];
  const inUnit = unit === null ? "" : ` (${unit})`;
  return [
    { name: `${name} min${inUnit}`, times, values: min },
    { name: `${name} mean${inUnit}`, times, values: avg },
    { name: `${name} max${inUnit}`, times, values: max },
    { name: `${name} count`, times, values: count },
  ];
}

/** Saves the window as `<device>-<time>.csv`. */
export function saveWindowAsCsv(opened: readonly Opened[], now: number, windowS: number): void {
  const rings = new Map<string, Ring>();
  opened.forEach(({ device, watch }, place) => {
    for (const [metric, ring] of watch.rings) rings.set(columnName(device.id, metric, place), ring);
  });
  save(columnsOfWindow(rings, now - windowS * 1000, now), opened, now);
}

/** Saves a range of the past: of each metric, as much as one answer holds. */
export async function saveRangeAsCsv(rest: Rest, opened: readonly Opened[], range: Range): Promise<void> {
  const columns: Column[] = [];
  for (const [place, { device, watch }] of opened.entries()) {
    for (const { name, type, unit } of metricsOf(device, watch)) {
      if (type !== "number") continue;
      const history = await rest.history(device.id, name, range.from, range.to, RANGE_POINTS);
      columns.push(...columnsOfHistory(columnName(device.id, name, place), unit, history));
    }
  }
  save(columns, opened, range.to);
}

/** The open device's metrics have their own names; those of other devices begin with the device's id. */
function columnName(deviceId: string, metric: string, place: number): string {
  return place === 0 ? metric : `${deviceId}/${metric}`;
}

function save(columns: readonly Column[], opened: readonly Opened[], time: number): void {
  saveFile(new Blob([csvOf(columns)], { type: "text/csv" }), csvName(opened[0]?.device.id ?? "", time));
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
