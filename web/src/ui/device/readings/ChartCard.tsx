import { useSignalEffect } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { ChartPainter, liveSpan } from "../../../paint/charts";
import type { LineGroup } from "../../../paint/lines";
import { usePage } from "../../page";
import { windowWords } from "../../parts/words";
import { liveLine, type Opened } from "../opened";
import { ChartMarks } from "./ChartMarks";
import { type Hidden, Legend, titleOf } from "./Legend";

interface CardProps {
  readonly group: LineGroup;
  /** The open device and those compared with it. */
  readonly opened: readonly Opened[];
  readonly hidden: Hidden;
  readonly isFirst: boolean;
  readonly zoom: (from: number, to: number) => void;
}

/** The lines of one unit, live: latest value, minimum, mean and maximum of the window, and the chart. */
export function ChartCard(props: CardProps) {
  const page = usePage();
  const id = useId();
  const { card, legend, chart } = useChart(props);
  const { lines } = props.group;
  const title = titleOf(lines);
  const { windowS } = page.route.value;
  const span = () => liveSpan(page.viewNow(), windowS * 1000);
  return (
    <section ref={card} class="card" aria-labelledby={id}>
      <h3 id={id} class="unseen">
        {title}
      </h3>
      <Legend table={legend} lines={lines} hidden={props.hidden} />
      <div class="chart-frame">
        <div
          ref={chart}
          class="chart"
          role="img"
          aria-label={`${title}, line chart of the last ${windowWords(windowS)}`}
        />
        <ChartMarks opened={props.opened} span={span} isFirst={props.isFirst} />
      </div>
    </section>
  );
}

/** The card's cells, painted while it is there; the chart is made anew when theme, window or lines change. */
function useChart({ group, opened, hidden, isFirst, zoom }: CardProps) {
  const page = usePage();
  const card = useRef<HTMLElement>(null);
  const legend = useRef<HTMLTableElement>(null);
  const chart = useRef<HTMLDivElement>(null);
  const { windowS } = page.route.value;
  const theme = page.themes.shown.value;
  const lines = group.lines.map((line) => liveLine(line, opened));
  // Lines are new objects in every render, but their content seldom changes.
  const made = JSON.stringify(lines.map(({ line, expectedMs }) => [line, expectedMs]));
  const watches = opened.map(({ watch }) => watch);
  useLayoutEffect(() => {
    if (!card.current || !legend.current || !chart.current || !theme) return;
    const painter = new ChartPainter({
      cells: { card: card.current, legend: legend.current, chart: chart.current },
      lines,
      windowMs: windowS * 1000,
      isFirst,
      hidden: () => hidden.peek(),
      viewNow: () => page.viewNow(),
      isPaused: () => page.pausedAt.peek() !== null,
      minIntervalMs: () => page.minIntervalMs(),
      zoom,
    });
    const stops = painter.painters.map((one) => page.loop.add(one));
    return () => {
      for (const stop of stops) stop();
      painter.destroy();
    };
  }, [page, made, theme, windowS, isFirst, zoom, hidden, ...watches]);
  const backfill = watches.map((watch) => watch.backfill.value).join();
  useEffect(() => {
    // History came in: show it even while paused.
    page.loop.repaint();
  }, [page, backfill]);
  useSignalEffect(() => {
    hidden.value;
    page.loop.repaint();
  });
  return { card, legend, chart };
}
