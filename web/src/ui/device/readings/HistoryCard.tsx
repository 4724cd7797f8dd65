import { useSignalEffect } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { moment } from "../../../paint/format";
import type { LineGroup } from "../../../paint/lines";
import { PastChart, type PastLine } from "../../../paint/past";
import { usePage } from "../../page";
import { Loaded, useLoaded } from "../../parts/Loaded";
import type { Range } from "../../route";
import { expectedMsOf, type Opened } from "../opened";
import { ChartMarks } from "./ChartMarks";
import { type Hidden, Legend, titleOf } from "./Legend";
import { PointsTable } from "./PointsTable";

/** As many as a wide screen has pixels across a chart. */
const POINTS = 1_000;
/** A table is for reading: fewer rows, each standing for more. */
const ROWS = 200;

interface HistoryCardProps {
  readonly group: LineGroup;
  readonly opened: readonly Opened[];
  readonly range: Range;
  readonly hidden: Hidden;
  readonly isFirst: boolean;
  readonly zoom: (from: number, to: number) => void;
}

/**
 * The lines of one unit over a range of the past, as the hub stored them. Another range makes another card.
 */
export function HistoryCard(props: HistoryCardProps) {
  const page = usePage();
  const id = useId();
  const { group, opened, range } = props;
  const { isTable } = page.route.value;
  const load = async (): Promise<PastLine[]> =>
    Promise.all(
      group.lines.map(async (line) => {
        const { rest } = page.live;
        const points = isTable ? ROWS : POINTS;
        const device = opened.find((one) => one.device.id === line.deviceId)?.device;
        return {
          line,
          history: await rest.history(line.deviceId, line.metric.name, range.from, range.to, points),
          expectedMs: device ? expectedMsOf(device) : null,
        };
      }),
    );
  const loaded = useLoaded(load);
  const title = titleOf(group.lines);
  return (
    <section class="card" aria-labelledby={id}>
      <h3 id={id} class={loaded.state.kind === "ready" && !isTable ? "unseen" : "card-title"}>
        {title}
      </h3>
      <Loaded of={loaded}>
        {(lines) => {
          if (isTable) return <PointsTable lines={lines} />;
          return <HistoryChart {...props} title={title} lines={lines} />;
        }}
      </Loaded>
    </section>
  );
}

interface HistoryChartProps extends HistoryCardProps {
  readonly title: string;
  readonly lines: readonly PastLine[];
}

function HistoryChart({ group, opened, isFirst, range, hidden, zoom, title, lines }: HistoryChartProps) {
  const page = usePage();
  const chart = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLTableElement>(null);
  const drawn = useRef<PastChart | null>(null);
  const theme = page.themes.shown.value;
  const draw = () => drawn.current?.draw(hidden.peek(), range);
  useLayoutEffect(() => {
    const card = chart.current?.closest<HTMLElement>(".card");
    if (!card || !chart.current || !legend.current || !theme) return;
    const cells = { card, chart: chart.current, legend: legend.current };
    drawn.current = new PastChart(cells, lines, range, zoom);
    draw();
    return () => drawn.current?.destroy();
  }, [lines, theme, range.from, range.to, zoom]);
  useSignalEffect(() => {
    hidden.value;
    draw();
  });
  const isEmpty = lines.every(({ history }) => history.time.length === 0);
  return (
    <>
      <Legend table={legend} lines={group.lines} hidden={hidden} />
      <div class="chart-frame">
        <div
          ref={chart}
          class="chart"
          role="img"
          aria-label={`${title}, line chart from ${moment(range.from)} to ${moment(range.to)}`}
        />
        <ChartMarks opened={opened} span={() => range} isFirst={isFirst} />
      </div>
      {isEmpty && <p class="chart-empty">No readings in this time.</p>}
    </>
  );
}
