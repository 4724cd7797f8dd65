import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../live/fleet";
import { type MetricInfo, NO_THRESHOLDS } from "../live/rest";
import type { DeviceWatch } from "../live/watch";
import { span } from "../paint/format";
import { setText } from "../paint/rows";
import { saveRangeAsCsv, saveWindowAsCsv } from "./csv";
import { HistoryCard } from "./HistoryCard";
import { lazy } from "./lazy";
import { MetricCard } from "./MetricCard";
import { PresenceMark } from "./PresenceMark";
import { isPhone, usePage } from "./page";
import { saveAsPng } from "./png";
import { RangeBar } from "./RangeBar";
import { hashOf, RANGE_LEAST_MS, WINDOWS_S, type WindowSeconds } from "./route";
import { SectionLinks } from "./SectionLinks";
import { ValueTable } from "./ValueTable";
import { PRESENCE_WAS, PRESENCE_WORD } from "./words";

const DeviceSection = lazy(() => import("./DeviceSection").then((room) => room.DeviceSection));

const AGE_MS = 1_000;
const LOOK_BACK_MS = 3_600_000;
/** As many as the stylesheet has. */
const SERIES_COLOURS = 6;

/** The open device, or what to say where none is. */
export function DeviceView() {
  const page = usePage();
  const { deviceId } = page.route.value;
  const { fleet } = page.live;
  fleet.structure.value;
  if (deviceId === null) {
    return (
      <section class="panel device is-empty" aria-label="Device">
        <p class="message">Choose a device to see its readings live.</p>
      </section>
    );
  }
  const device = fleet.get(deviceId);
  const watch = page.live.watched.value;
  if (device?.info && watch) return <OpenDevice key={deviceId} device={device} watch={watch} />;
  return (
    <section class="panel device" aria-label="Device">
      <BackLink />
      {fleet.phase.value.kind === "ready" ? (
        <div class="message">
          <h2>There is no device “{deviceId}”</h2>
          <p>It was removed, or the link is wrong.</p>
        </div>
      ) : (
        <p class="message loading">Loading {deviceId}</p>
      )}
    </section>
  );
}

function OpenDevice({ device, watch }: { device: DeviceRecord; watch: DeviceWatch }) {
  const page = usePage();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // On a phone the list has gone from sight: say where one is now.
    if (isPhone()) title.current?.focus();
  }, []);
  const metrics = useComputed(() => metricsOf(device, watch, page.live.fleet.structure.value)).value;
  const { section } = page.route.value;
  return (
    <section class="panel device" aria-labelledby="device-title">
      <header class="device-head">
        <BackLink />
        <div class="device-name">
          <h2 id="device-title" ref={title} tabIndex={-1} class="ellipsis">
            {device.name}
          </h2>
          <DeviceFacts device={device} />
        </div>
        {section === "readings" && <Tools device={device} watch={watch} metrics={metrics} />}
      </header>
      <SectionLinks />
      {section === "readings" ? (
        <Readings device={device} watch={watch} metrics={metrics} />
      ) : (
        <DeviceSection key={section} device={device} section={section} />
      )}
    </section>
  );
}

interface ReadingsProps {
  readonly device: DeviceRecord;
  readonly watch: DeviceWatch;
  readonly metrics: readonly MetricInfo[];
}

/** Window, a look back, table or chart, and what can be saved. */
function Tools({ device, watch, metrics }: ReadingsProps) {
  const page = usePage();
  const route = page.route.value;
  const { range, isTable } = route;
  const numbers = metrics.filter((metric) => metric.type === "number").map((metric) => metric.name);
  const saveCsv = () => {
    if (range) void saveRangeAsCsv(page.live.rest, device.id, numbers, range);
    else saveWindowAsCsv(watch, page.viewNow(), route.windowS);
  };
  const savePng = () => {
    const cards = document.querySelector<HTMLElement>(".cards");
    if (cards) saveAsPng(cards, device.name);
  };
  const lookBack = () => {
    const to = Math.round(page.live.hubClock.now());
    location.hash = hashOf({ ...route, range: { from: to - LOOK_BACK_MS, to } });
  };
  const isEmpty = numbers.length === 0;
  return (
    <div class="device-tools">
      {!range && <WindowPicker />}
      {!range && (
        <button type="button" class="button" disabled={isEmpty} onClick={lookBack}>
          History
        </button>
      )}
      {range && (
        <a class="button" href={hashOf({ ...route, isTable: !isTable })}>
          {isTable ? "Chart" : "Table"}
        </a>
      )}
      <button type="button" class="button" disabled={isEmpty} onClick={saveCsv}>
        CSV
      </button>
      <button
        type="button"
        class="button"
        disabled={isEmpty || (range !== null && isTable)}
        onClick={savePng}
      >
        PNG
      </button>
    </div>
  );
}

/** The charts of the numbers, live or of the past, and a table of the rest. */
function Readings({ device, watch, metrics }: ReadingsProps) {
  const page = usePage();
  const { range, isTable } = page.route.value;
  const numbers = metrics.filter((metric) => metric.type === "number");
  const others = metrics.filter((metric) => metric.type !== "number");
  const zoom = (from: number, to: number) => {
    if (to - from < RANGE_LEAST_MS) return;
    location.hash = hashOf({ ...page.route.peek(), range: { from, to } });
  };
  return (
    <>
      {range ? <RangeBar range={range} /> : <BackfillNote watch={watch} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too */}
      <section class="cards" tabIndex={0} aria-label="Readings">
        {numbers.map((metric, index) => {
          const shared = { device, metric, colour: index % SERIES_COLOURS, zoom };
          if (!range) return <MetricCard key={metric.name} {...shared} watch={watch} index={index} />;
          const key = [metric.name, range.from, range.to, isTable].join();
          return <HistoryCard key={key} {...shared} range={range} />;
        })}
        {!range && others.length > 0 && <ValueTable watch={watch} metrics={others} />}
      </section>
      {metrics.length === 0 && (
        <p class="message">
          {device.presence === "never_seen"
            ? "This device has not sent anything yet. Its readings appear here as soon as it does."
            : "No readings yet."}
        </p>
      )}
    </>
  );
}

/** Name by name: labels, id, and presence with how long it has been so. */
function DeviceFacts({ device }: { device: DeviceRecord }) {
  const page = usePage();
  const since = useRef<HTMLSpanElement>(null);
  page.live.fleet.structure.value;
  const words = page.live.lostAt.value === null ? PRESENCE_WORD : PRESENCE_WAS;
  useEffect(
    () =>
      page.loop.add({
        intervalMs: () => AGE_MS,
        paint: () => {
          const text =
            device.since === null ? "" : ` for ${span(Math.max(0, page.viewNow() - device.since))}`;
          if (since.current) setText(since.current, text);
        },
      }),
    [page, device],
  );
  const labels = Object.entries(device.info?.labels ?? {});
  return (
    <div class="facts small">
      <span class="state-word">
        <PresenceMark presence={device.presence} />
        <span>
          {words[device.presence]}
          <span ref={since} />
        </span>
      </span>
      {device.name !== device.id && <span>{device.id}</span>}
      {labels.map(([key, value]) => (
        <span key={key} title={key}>
          {value}
        </span>
      ))}
    </div>
  );
}

function WindowPicker() {
  const page = usePage();
  const route = page.route.value;
  const title = (seconds: WindowSeconds) => (seconds < 120 ? `${seconds} s` : `${seconds / 60} min`);
  return (
    <fieldset class="picker">
      <legend class="unseen">Window</legend>
      {WINDOWS_S.map((windowS) => (
        <label key={windowS}>
          <input
            type="radio"
            name="window"
            checked={route.windowS === windowS}
            onChange={() => location.replace(hashOf({ ...route, windowS }))}
          />
          <span>{title(windowS)}</span>
        </label>
      ))}
    </fieldset>
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

function BackLink() {
  const page = usePage();
  return (
    <a class="button back" href={hashOf({ ...page.route.value, deviceId: null })}>
      <span aria-hidden="true">‹</span> Devices
    </a>
  );
}

/** What REST described, and after it what came live but is not described yet. */
function metricsOf(device: DeviceRecord, watch: DeviceWatch, _structure: number): MetricInfo[] {
  const described = device.info?.metrics ?? [];
  const known = new Set(described.map((metric) => metric.name));
  const fresh = watch.metrics.value
    .filter((name) => !known.has(name))
    .map((name): MetricInfo => {
      const kind = typeof watch.latest.get(name)?.[1];
      const type = kind === "number" || kind === "boolean" ? kind : "text";
      return {
        name,
        type,
        unit: null,
        minimum: null,
        maximum: null,
        decimals: null,
        thresholds: NO_THRESHOLDS,
      };
    });
  return [...described, ...fresh];
}
