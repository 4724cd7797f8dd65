import { computed, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { DeviceRecord } from "../live/fleet";
import { count } from "../paint/format";
import { DeviceGrid } from "./DeviceGrid";
import { listing, metricNames, type Sort, type SortKey } from "./listing";
import { usePage } from "./page";
import { hashOf } from "./route";
import { Totals } from "./Totals";

/** How often a list sorted by value is put in order again; more often, rows would dance. */
const RESORT_MS = 2_000;

/** All devices: totals, search, and the grid, or what there is to say where there is none. */
export function DeviceList() {
  const page = usePage();
  const { fleet } = page.live;
  const sort = useSignal<Sort>({ key: "name", isDescending: false });
  const resorted = useSignal(0);
  const isProblemsFirst = useComputed(() => page.route.value.isProblemsFirst);
  const devices = useComputed(() => {
    fleet.structure.value;
    if (sort.value.key === "value") resorted.value;
    return listing(
      fleet.listed(),
      page.query.value,
      sort.value,
      page.wishedMetric.value,
      isProblemsFirst.value,
    );
  });
  useEffect(
    () => page.loop.add({ intervalMs: () => RESORT_MS, paint: () => void resorted.value++ }),
    [page, resorted],
  );
  const sortBy = (key: SortKey) => {
    const { key: now, isDescending } = sort.peek();
    sort.value = { key, isDescending: key === now ? !isDescending : key === "value" };
  };
  return (
    <section class="panel list" aria-labelledby="devices-title">
      <Totals />
      <div class="toolbar">
        <h2 id="devices-title">Devices</h2>
        {page.mayOperate.value && (
          <a
            class="button"
            data-after-dialog
            href={hashOf({ ...page.route.value, deviceId: null, isAdding: true })}
          >
            Add device
          </a>
        )}
        <span class="grow" />
        <ProblemsButton />
        <MetricMenu />
        <Search />
      </div>
      <ListBody devices={devices.value} sort={sort.value} sortBy={sortBy} />
    </section>
  );
}

function ListBody(props: { devices: DeviceRecord[]; sort: Sort; sortBy: (key: SortKey) => void }) {
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
  if (phase.kind === "loading") return <Loading />;
  if (props.devices.length > 0) return <DeviceGrid {...props} />;
  return fleet.count() === 0 ? <NoDevices /> : <NoMatch />;
}

/** Brings those that are offline, stale or never seen to the top, whatever the list is sorted by. */
function ProblemsButton() {
  const page = usePage();
  const route = page.route.value;
  const { isProblemsFirst } = route;
  return (
    <button
      type="button"
      class="button"
      aria-pressed={isProblemsFirst}
      onClick={() => location.replace(hashOf({ ...route, isProblemsFirst: !isProblemsFirst }))}
    >
      Problems first
    </button>
  );
}

function Loading() {
  return (
    <div class="message" role="status">
      <p class="loading">Loading devices</p>
    </div>
  );
}

/** The first run: nothing is there yet. */
function NoDevices() {
  const page = usePage();
  if (!page.mayOperate.value) {
    return (
      <div class="message">
        <h3>No devices yet</h3>
        <p>They appear here as soon as an operator adds them.</p>
      </div>
    );
  }
  return (
    <div class="message">
      <h3>No devices yet</h3>
      <p>Add one: it gets an API key, and this page shows what to run to send its first reading.</p>
      <a class="button primary" href={hashOf({ ...page.route.value, isAdding: true })}>
        Add the first device
      </a>
      <p class="small">Where the hub runs, this does the same:</p>
      <pre>
        <code>hub devices add boiler-1</code>
      </pre>
    </div>
  );
}

function NoMatch() {
  const page = usePage();
  return (
    <div class="message">
      <h3>No device matches “{page.query.value}”</h3>
      <p>Names, ids, labels and states are searched.</p>
      <button
        type="button"
        class="button"
        onClick={() => {
          page.query.value = "";
        }}
      >
        Show all {count(page.live.fleet.count())}
      </button>
    </div>
  );
}

/** Which metric the rows show: each device's first, or the same one for all. */
function MetricMenu() {
  const page = usePage();
  const { fleet } = page.live;
  const names = useMemo(
    () =>
      computed(() => {
        fleet.structure.value;
        return metricNames(fleet.listed());
      }),
    [fleet],
  );
  return (
    <select
      class="field"
      aria-label="Metric shown"
      value={page.wishedMetric.value ?? ""}
      onChange={(change) => {
        page.wishedMetric.value = change.currentTarget.value || null;
      }}
    >
      <option value="">First metric</option>
      {names.value.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** The search box; `/` anywhere on the page goes to it, Escape empties it. */
function Search() {
  const page = usePage();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focusOnSlash = (press: KeyboardEvent) => {
      if (press.key !== "/" || press.ctrlKey || press.metaKey || press.altKey) return;
      if (press.target instanceof HTMLElement && press.target.matches("input, select, textarea")) return;
      press.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    addEventListener("keydown", focusOnSlash);
    return () => removeEventListener("keydown", focusOnSlash);
  }, []);
  return (
    <input
      ref={input}
      class="field search"
      type="search"
      aria-label="Search devices"
      aria-keyshortcuts="/"
      placeholder="Search ( / )"
      value={page.query.value}
      onInput={(change) => {
        page.query.value = change.currentTarget.value;
      }}
      onKeyDown={(press) => {
        if (press.key === "Escape") page.query.value = "";
      }}
    />
  );
}
