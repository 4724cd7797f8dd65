import { useEffect, useId, useState } from "preact/hooks";
import { momentToTheMillisecond, ValueFormatter } from "../../../paint/format";
import type { LineGroup } from "../../../paint/lines";
import { usePage } from "../../page";
import { liveLine, type Opened } from "../opened";
import { titleOf } from "./Legend";
import { type TableRow, tableRowsOf } from "./tableRows";

const EVERY_MS = 1_000;

/** The newest readings of one unit as they come in: the content of a chart as a table. */
export function LiveTable({ group, opened }: { group: LineGroup; opened: readonly Opened[] }) {
  const page = usePage();
  const id = useId();
  const { windowS } = page.route.value;
  const [rows, setRows] = useState<readonly TableRow[]>([]);
  const { lines } = group;
  const lookNow = () => {
    const to = page.viewNow();
    const rings = lines.map((line) => liveLine(line, opened).watch.rings.get(line.metric.name));
    setRows(tableRowsOf(rings, to - windowS * 1000, to));
  };
  useEffect(
    () => page.loop.add({ intervalMs: () => EVERY_MS, paint: lookNow }),
    [page, opened.length, windowS],
  );
  const figures = lines.map((line) => new ValueFormatter(line.metric.decimals));
  for (const { values } of rows) {
    values.forEach((value, place) => {
      if (value !== null) figures[place]?.number(value);
    });
  }
  return (
    <section class="card" aria-labelledby={id}>
      <h3 id={id} class="card-title">
        {titleOf(lines)}
      </h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too */}
      <section class="points" tabIndex={0} aria-label={`Readings of ${titleOf(lines)}`}>
        <table class="values">
          <thead>
            <tr>
              <th scope="col">Time</th>
              {lines.map((line) => (
                <th key={line.key} scope="col">
                  {line.metric.name}
                  {line.owner !== null && ` ${line.owner}`}
                  {line.metric.unit !== null && `, ${line.metric.unit}`}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ time, values }) => (
              <tr key={time}>
                <th scope="row">{momentToTheMillisecond(time)}</th>
                {values.map((value, place) => (
                  <td key={lines[place]?.key}>{value === null ? "–" : figures[place]?.number(value)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
