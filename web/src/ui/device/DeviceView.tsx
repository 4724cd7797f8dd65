import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../../live/fleet";
import { span } from "../../paint/format";
import { setText } from "../../paint/rowPainters";
import { isPhone, usePage } from "../page";
import { lazy } from "../parts/lazy";
import { PresenceMark } from "../parts/PresenceMark";
import { PRESENCE_WAS, PRESENCE_WORD } from "../parts/words";
import { hashOf } from "../route";
import { LimitNote } from "./LimitNote";
import { metricsOf, type Opened } from "./opened";
import { Tools } from "./readings/Tools";
import { SectionLinks } from "./SectionLinks";

// The charts are nearly half of the script, and the list does without them.
const DeviceReadings = lazy(() => import("./readings/DeviceReadings").then((room) => room.DeviceReadings));
const DeviceSection = lazy(() => import("./DeviceSection").then((room) => room.DeviceSection));

const SequenceNote = lazy(
  () => import("./SequenceNote").then((room) => room.SequenceNote),
  () => null,
);

const AGE_MS = 1_000;
/** How often the hub is asked about the open device: what REST alone says of it changes seldom. */
const DESCRIBE_MS = 10_000;

/** The open device, or what to say where none is. */
export function DeviceView() {
  const page = usePage();
  const { deviceId } = page.route.value;
  const { fleet } = page.live;
  fleet.structure.value;
  const isAhead = deviceId !== null || fleet.phase.value.kind === "ready";
  useEffect(() => {
    if (isAhead) void DeviceReadings.ahead();
  }, [isAhead]);
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

function OpenDevice({ device, watch }: Opened) {
  const page = usePage();
  const title = useRef<HTMLHeadingElement>(null);
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  useEffect(() => {
    // On a phone the list is no longer in sight: the title says what is shown now.
    if (isPhone()) title.current?.focus();
  }, []);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) void page.live.refreshOpened();
    }, DESCRIBE_MS);
    return () => clearInterval(timer);
  }, [page]);
  const metrics = useComputed(() => {
    page.live.fleet.structure.value;
    return metricsOf(device, watch);
  }).value;
  const { section } = page.route.value;
  const compared = page.live.compared.value.flatMap((other): Opened[] => {
    const known = page.live.fleet.get(other.deviceId);
    return known ? [{ device: known, watch: other }] : [];
  });
  const opened: readonly [Opened, ...Opened[]] = [{ device, watch }, ...compared];
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
        {section === "readings" && <Tools opened={opened} metrics={metrics} />}
      </header>
      <SectionLinks device={device} />
      {device.info?.sequence.repeated_since && <SequenceNote device={device} />}
      <LimitNote device={device} />
      {section === "readings" ? (
        <DeviceReadings opened={opened} metrics={metrics} hidden={hidden} />
      ) : (
        <DeviceSection key={section} device={device} section={section} />
      )}
    </section>
  );
}

/** Presence and since when, id, and labels. */
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

function BackLink() {
  const page = usePage();
  return (
    <a class="button back" href={hashOf({ ...page.route.value, deviceId: null })}>
      <span aria-hidden="true">‹</span> Devices
    </a>
  );
}
