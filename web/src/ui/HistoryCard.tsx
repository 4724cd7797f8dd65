import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { DeviceRecord } from "../live/fleet";
import type { History, MetricInfo } from "../live/rest";
import { columnsOf } from "../live/watch";
import { type CursorPoint, MetricChart } from "../paint/chart";
import { lookOf } from "../paint/charts";
import { Figures, moment } from "../paint/format";
import { findGaps, gapThreshold } from "../paint/gaps";
import { Loaded, useLoaded } from "./Loaded";
import { PointsTable } from "./PointsTable";
import { usePage } from "./page";
import type { Range } from "./route";

/** As many as a wide screen has pixels across a chart. */
const POINTS = 1_000;
/** A table is for reading: fewer rows, each standing for more. */
const ROWS = 200;

interface HistoryCardProps {
  readonly device: DeviceRecord;
  readonly metric: MetricInfo;
  readonly range: Range;
  readonly colour: number;
  readonly zoom: (from: number, to: number) => void;
}

/** One number metric over a range of the past, as the hub stored it. Made anew for another range. */
export function HistoryCard(props: HistoryCardProps) {
  const page = usePage();
  const id = useId();
  const { device, metric, range } = props;
  const { isTable } = page.route.value;
  const loaded = useLoaded(() =>
    page.live.rest.history(device.id, metric.name, range.from, range.to, isTable ? ROWS : POINTS),
  );
  return (
    <section class={`card series-${props.colour}`} aria-labelledby={id}>
      <div class="card-head">
        <span class="swatch" aria-hidden="true" />
        <h3 id={id} class="ellipsis">
          {metric.name}
        </h3>
        <span class="grow" />
        {metric.unit && <span class="small">{metric.unit}</span>}
      </div>
      <Loaded of={loaded}>
        {(history) => {
          if (history.time.length === 0) return <p class="message">No readings in this time.</p>;
          if (isTable) return <PointsTable metric={metric} history={history} />;
          return <HistoryChart {...props} history={history} />;
        }}
      </Loaded>
    </section>
  );
}

function HistoryChart({ device, metric, range, zoom, history }: HistoryCardProps & { history: History }) {
  const page = usePage();
  const chart = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState<CursorPoint>(null);
  const theme = page.themes.shown.value;
  const zoomed = useRef(zoom);
  zoomed.current = zoom;
  useLayoutEffect(() => {
    const card = chart.current?.closest<HTMLElement>(".card");
    if (!card || !chart.current || !theme) return;
    const host = chart.current;
    const plot = new MetricChart(host, lookOf(card), setCursor, (from, to) => zoomed.current(from, to));
    const { times, values } = columnsOf(history);
    const stretch = { times: Float64Array.from(times), values: Float64Array.from(values) };
    const expectedS = device.info?.expected_interval_s ?? null;
    const expectedMs = expectedS === null ? null : expectedS * 1000;
    const gaps = findGaps(stretch, range.to, expectedMs);
    const first = times[0] ?? range.to;
    if (first - range.from > gapThreshold(stretch.times, expectedMs)) gaps.unshift([range.from, first]);
    plot.draw(stretch, gaps, range.from, range.to);
    const sizes = new ResizeObserver(() => plot.resize(host.clientWidth));
    sizes.observe(host);
    return () => {
      sizes.disconnect();
      plot.destroy();
    };
  }, [history, theme, device, range.from, range.to]);
  return (
    <>
      <p class="card-history small">{cursor ? atCursor(cursor, metric) : ofRange(history, metric)}</p>
      <div
        ref={chart}
        class="chart"
        role="img"
        aria-label={`${metric.name}, line chart from ${moment(range.from)} to ${moment(range.to)}`}
      />
    </>
  );
}

function atCursor({ time, value }: { time: number; value: number }, metric: MetricInfo): string {
  return `${moment(time)}: ${new Figures(metric.decimals).value(value, metric.unit)}`;
}

function ofRange({ min, max, tier }: History, { decimals }: MetricInfo): string {
  const figures = new Figures(decimals);
  const numbers = (column: readonly (number | null)[]) => column.filter((one) => one !== null);
  const [low, high] = [Math.min(...numbers(min)), Math.max(...numbers(max))].map((one) =>
    figures.number(one),
  );
  const kind = tier === "raw" ? "every reading" : "means";
  return `min ${low} · max ${high} · ${kind}`;
}
