import type { Ring } from "../../../live/ring";

/** What was measured at one instant, a value for each line; null where a line has none. */
export interface TableRow {
  readonly time: number;
  readonly values: readonly (number | null)[];
}

/** Nobody reads more rows than these at once. */
const ROWS_MAX = 100;

/** The newest instants with from ≤ time ≤ to, newest first, with a column for each ring. */
export function tableRowsOf(rings: readonly (Ring | undefined)[], from: number, to: number): TableRow[] {
  const found = new Map<number, (number | null)[]>();
  rings.forEach((ring, place) => {
    const { times, values } = ring?.window(from, to) ?? { times: [], values: [] };
    for (let i = Math.max(0, times.length - ROWS_MAX - 1); i < times.length; i++) {
      const time = times[i] as number;
      if (time < from || time > to) continue;
      let row = found.get(time);
      if (!row) {
        row = rings.map(() => null);
        found.set(time, row);
      }
      row[place] = values[i] as number;
    }
  });
  return [...found]
    .map(([time, values]) => ({ time, values }))
    .sort((one, other) => other.time - one.time)
    .slice(0, ROWS_MAX);
}
