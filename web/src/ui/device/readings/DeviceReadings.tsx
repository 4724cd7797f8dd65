import { useCallback } from "preact/hooks";
import type { MetricInfo } from "../../../live/rest";
import type { DeviceWatch } from "../../../live/watch";
import { usePage } from "../../page";
import { lazy } from "../../parts/lazy";
import { hashOf, RANGE_LEAST_MS } from "../../route";
import { lineGroupsOf, type Opened } from "../opened";
import { ChartCard } from "./ChartCard";
import type { Hidden } from "./Legend";
import { TimeBar } from "./TimeBar";

const ValueTable = lazy(() => import("./ValueTable").then((room) => room.ValueTable));
const LiveTable = lazy(() => import("./LiveTable").then((room) => room.LiveTable));
const PastReadings = lazy(() => import("./PastReadings").then((room) => room.PastReadings));

interface ReadingsProps {
  /** The open device and those compared with it. */
  readonly opened: readonly [Opened, ...Opened[]];
  readonly metrics: readonly MetricInfo[];
  readonly hidden: Hidden;
}

/** The charts of the numbers, live or of the past, and a table of the rest. */
export function DeviceReadings({ opened, metrics, hidden }: ReadingsProps) {
  const page = usePage();
  const { range, isTable } = page.route.value;
  const [{ device, watch }] = opened;
  const zoom = useCallback(
    (from: number, to: number) => {
      if (to - from < RANGE_LEAST_MS) return;
      location.hash = hashOf({ ...page.route.peek(), range: { from, to } });
    },
    [page],
  );
  if (metrics.length === 0) {
    return (
      <p class="message">
        {device.presence === "never_seen"
          ? "This device has not sent anything yet. Its readings appear here as soon as it does."
          : "No readings yet."}
      </p>
    );
  }
  const groups = lineGroupsOf(opened);
  if (range) {
    return <PastReadings groups={groups} opened={opened} range={range} hidden={hidden} zoom={zoom} />;
  }
  const others = metrics.filter((metric) => metric.type !== "number");
  return (
    <>
      {groups.length > 0 && <TimeBar watch={watch} />}
      <BackfillNote watch={watch} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too */}
      <section class="cards" tabIndex={0} aria-label="Readings">
        {groups.map((group, place) => {
          const shared = { key: group.key, group, opened };
          if (isTable) return <LiveTable {...shared} />;
          return <ChartCard {...shared} hidden={hidden} isFirst={place === 0} zoom={zoom} />;
        })}
        {others.length > 0 && <ValueTable watch={watch} metrics={others} />}
      </section>
    </>
  );
}

function BackfillNote({ watch }: { watch: DeviceWatch }) {
  if (watch.backfill.value !== "failed") return null;
  return (
    <div class="banner banner-retry" role="alert">
      <span>Earlier readings could not be loaded; the charts show what came since.</span>
      <button type="button" class="button" onClick={() => watch.retry()}>
        Try again
      </button>
    </div>
  );
}
