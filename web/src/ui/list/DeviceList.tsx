import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { usePage } from "../page";
import { lazy } from "../parts/lazy";
import { DeviceGrid } from "./DeviceGrid";
import { ListTools } from "./ListTools";
import { type GridLine, groupsByLabel, linesOfDevices, linesOfGroups, listing } from "./listing";
import { Totals } from "./Totals";

const NoDevices = lazy(() => import("./ListMessages").then((room) => room.NoDevices));
const NoMatch = lazy(() => import("./ListMessages").then((room) => room.NoMatch));

/** How often a list sorted by changing values is sorted again; more often, rows would jump about. */
const RESORT_MS = 2_000;

/** All devices: totals, search, and the grid, or a message where there are none. */
export function DeviceList() {
  const page = usePage();
  const { fleet } = page.live;
  const resorted = useSignal(0);
  const closed = useSignal<ReadonlySet<string>>(new Set());
  const devices = useComputed(() => {
    fleet.structure.value;
    const { key } = page.list.value.sort;
    if (key === "value" || key === "seen") resorted.value;
    return listing(fleet.listed(), page.list.value);
  });
  const lines = useComputed(() => {
    const { groupBy, sort } = page.list.value;
    if (groupBy === null) return linesOfDevices(devices.value);
    const isProblemsFirst = sort.key === "problems" && !sort.isDescending;
    return linesOfGroups(groupsByLabel(devices.value, groupBy, isProblemsFirst), closed.value);
  });
  useEffect(
    () => page.loop.add({ intervalMs: () => RESORT_MS, paint: () => void resorted.value++ }),
    [page, resorted],
  );
  const toggle = (groupKey: string) => {
    const next = new Set(closed.peek());
    if (!next.delete(groupKey)) next.add(groupKey);
    closed.value = next;
  };
  return (
    <section class="panel list" aria-labelledby="devices-title">
      <Totals />
      <ListTools />
      <ListBody lines={lines.value} toggle={toggle} />
    </section>
  );
}

function ListBody(props: { lines: readonly GridLine[]; toggle: (groupKey: string) => void }) {
  const page = usePage();
  const { fleet } = page.live;
  const phase = fleet.phase.value;
  if (phase.kind === "failed") {
    return (
      <div class="message" role="alert">
        <h3>The device list did not load</h3>
        <p>{phase.reason}</p>
        <button type="button" class="button" onClick={() => void page.live.loadDevices()}>
          Try again
        </button>
      </div>
    );
  }
  if (phase.kind === "loading") return <LoadingDevices />;
  if (props.lines.length > 0) return <DeviceGrid {...props} />;
  return fleet.count() === 0 ? <NoDevices /> : <NoMatch />;
}

function LoadingDevices() {
  return (
    <div class="message" role="status">
      <p class="loading">Loading devices</p>
    </div>
  );
}
