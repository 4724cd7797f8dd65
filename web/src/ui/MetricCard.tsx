import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../live/fleet";
import type { MetricInfo } from "../live/rest";
import type { DeviceWatch } from "../live/watch";
import { ChartPainter } from "../paint/charts";
import { usePage } from "./page";

interface CardProps {
  readonly device: DeviceRecord;
  readonly watch: DeviceWatch;
  readonly metric: MetricInfo;
  readonly index: number;
  readonly colour: number;
  readonly zoom: (from: number, to: number) => void;
}

/** One number metric: its latest value, least, mean and greatest of the window, and the live chart. */
export function MetricCard(props: CardProps) {
  const page = usePage();
  const id = useId();
  const { card, value, summary, chart } = useChart(props);
  const windowS = page.route.value.windowS;
  const spokenWindow = windowS < 120 ? `${windowS} seconds` : `${windowS / 60} minutes`;
  const { name } = props.metric;
  return (
    <section ref={card} class={`card series-${props.colour}`} aria-labelledby={id}>
      <div class="card-head">
        <span class="swatch" aria-hidden="true" />
        <h3 id={id} class="ellipsis">
          {name}
        </h3>
        <span class="grow" />
        <span ref={value} class="card-value" />
        <span ref={summary} class="card-summary small" />
      </div>
      <div
        ref={chart}
        class="chart"
        role="img"
        aria-label={`${name}, line chart of the last ${spokenWindow}`}
      />
    </section>
  );
}

/** The card's cells, painted while it is there; the chart is made anew when theme, window or metric change. */
function useChart({ device, watch, metric, index, zoom }: CardProps) {
  const page = usePage();
  const card = useRef<HTMLElement>(null);
  const value = useRef<HTMLSpanElement>(null);
  const summary = useRef<HTMLSpanElement>(null);
  const chart = useRef<HTMLDivElement>(null);
  const windowS = page.route.value.windowS;
  const theme = page.themes.shown.value;
  const expected = device.info?.expected_interval_s ?? null;
  const { name, unit, decimals } = metric;
  const zoomed = useRef(zoom);
  zoomed.current = zoom;
  useLayoutEffect(() => {
    if (!card.current || !value.current || !summary.current || !chart.current) return;
    const painter = new ChartPainter({
      cells: { card: card.current, value: value.current, summary: summary.current, chart: chart.current },
      watch,
      metric: name,
      unit,
      decimals,
      theme,
      windowMs: windowS * 1000,
      expectedMs: expected === null ? null : expected * 1000,
      isFirst: index === 0,
      viewNow: () => page.viewNow(),
      isPaused: () => page.pausedAt.peek() !== null,
      slowestMs: () => page.slowestMs(),
      zoom: (from, to) => zoomed.current(from, to),
    });
    const stops = painter.painters.map((one) => page.loop.add(one));
    return () => {
      for (const stop of stops) stop();
      painter.destroy();
    };
  }, [page, watch, name, unit, decimals, theme, windowS, expected, index]);
  useEffect(() => {
    // History came in: show it even while paused.
    watch.backfill.value;
    page.loop.repaint();
  }, [page, watch.backfill.value]);
  return { card, value, summary, chart };
}
