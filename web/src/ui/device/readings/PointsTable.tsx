import { moment, momentToTheMillisecond, ValueFormatter } from "../../../paint/format";
import type { PastLine } from "../../../paint/past";

/** A range as tables, newest first: the content of a chart, one table for each of its lines. */
export function PointsTable({ lines }: { lines: readonly PastLine[] }) {
  return (
    <>
      {lines.map((line) => (
        <LineTable key={line.line.key} of={line} isNamed={lines.length > 1} />
      ))}
    </>
  );
}

function LineTable({ of: { line, history }, isNamed }: { of: PastLine; isNamed: boolean }) {
  const figures = new ValueFormatter(line.metric.decimals);
  const text = (value: number | null | undefined) =>
    typeof value === "number" ? figures.number(value) : "–";
  const isRaw = history.tier === "raw";
  const columns = isRaw ? ["avg" as const] : (["min", "avg", "max"] as const);
  const title = { min: "Min", avg: isRaw ? "Value" : "Mean", max: "Max" };
  const rows = history.time.map((time, index) => ({ time, index })).reverse();
  const name = line.owner === null ? line.metric.name : `${line.metric.name}, ${line.owner}`;
  if (rows.length === 0) return <p class="message">{isNamed && `${name}: `}No readings in this time.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too
    <section class="points" tabIndex={0} aria-label={`Readings of ${name}`}>
      <table class="values">
        {isNamed && <caption>{name}</caption>}
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
              <th scope="row">{isRaw ? momentToTheMillisecond(time) : moment(time)}</th>
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
