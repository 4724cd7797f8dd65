import type { History, MetricInfo } from "../live/rest";
import { Figures, moment } from "../paint/format";

/** A range as a table, newest first: what a chart shows, for those who read it. */
export function PointsTable({ metric, history }: { metric: MetricInfo; history: History }) {
  const figures = new Figures(metric.decimals);
  const text = (value: number | null | undefined) =>
    typeof value === "number" ? figures.number(value) : "–";
  const isRaw = history.tier === "raw";
  const columns = isRaw ? ["avg" as const] : (["min", "avg", "max"] as const);
  const title = { min: "Min", avg: isRaw ? "Value" : "Mean", max: "Max" };
  const rows = history.time.map((time, index) => ({ time, index })).reverse();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too
    <section class="points" tabIndex={0} aria-label={`Readings of ${metric.name}`}>
      <table class="values">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {columns.map((column) => (
              <th key={column} scope="col">
                {title[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, index }) => (
            <tr key={time}>
              <th scope="row">{isRaw ? toTheMillisecond(time) : moment(time)}</th>
              {columns.map((column) => (
                <td key={column}>{text(history[column][index])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function toTheMillisecond(time: number): string {
  return `${moment(time)}.${String(Math.floor(time) % 1000).padStart(3, "0")}`;
}
