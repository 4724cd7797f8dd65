import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../../live/fleet";
import { OWN_ID, type Presence, type StorageState } from "../../live/protocol";
import type { Rest } from "../../live/rest";
import { moment, span, ValueFormatter } from "../../paint/format";
import { setText } from "../../paint/rowPainters";
import style from "../../styles/system.css?inline";
import { metricsOf, type Opened } from "../device/opened";
import { DeviceReadings } from "../device/readings/DeviceReadings";
import { Tools } from "../device/readings/Tools";
import { usePage } from "../page";
import { adoptStyle } from "../parts/adoptStyle";
import { stepWords } from "../parts/clockWords";
import { Loaded, useLoaded } from "../parts/Loaded";
import { PRESENCE_WORD } from "../parts/words";
import { hashOf } from "../route";

adoptStyle(style);

const TILE_MS = 500;
const UPTIME_MS = 1_000;
const MIB = 1_048_576;
/** After so many intervals without figures, those shown are said to be old. */
const MISSED = 5;

/** What REST says of the hub itself. */
interface SystemInfo {
  readonly version: string;
  readonly started_at: string;
  readonly interval_s: number;
  readonly devices: Readonly<Record<Presence, number>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly journal: { readonly bytes_max: number } | null;
  readonly clock: ClockInfo;
  readonly certificate: CertificateInfo | null;
}

/** What REST says of the certificate in use. */
interface CertificateInfo {
  /** Milliseconds UTC. */
  readonly ends: number;
  /** Why what its files held at the last reload was not taken. */
  readonly refusal: string | null;
}

/** What REST says of the hub's clock. Milliseconds UTC. */
interface ClockInfo {
  /** False while the machine does not know the time yet. */
  readonly is_set: boolean;
  /** How often it was set since the hub started, when last, and by how much. */
  readonly steps: number;
  readonly stepped_at: number | null;
  readonly stepped_by_s: number | null;
  /** False after it was set: nothing is deleted because of its age meanwhile. */
  readonly may_forget: boolean;
}

/** The figures to see first, by the names of the hub's own metrics. */
const TILES: readonly (readonly [metric: string, words: string])[] = [
  ["readings_per_s", "readings/s"],
  ["rejections_per_s", "refused/s"],
  ["commit_ms", "commit time, median"],
  ["commit_max_ms", "commit time, longest"],
  ["devices_connected", "devices connected"],
  ["viewers", "viewers"],
  ["frames_per_s", "frames to viewers/s"],
  ["cpu_percent", "CPU of one core"],
  ["rss_mib", "memory"],
  ["syncs_per_s", "syncs to disk/s"],
  ["written_gib_per_day", "written to disk"],
  ["journal_mib", "journal"],
  ["store_mib", "stores on disk"],
  ["disk_free_gib", "disk free"],
  ["loop_delay_ms", "event loop delay"],
];

/** The hub itself: its figures now and in the last minutes, and its version, devices and limits. */
export function SystemView() {
  const page = usePage();
  const loaded = useLoaded(() => load(page.live.rest));
  const found = loaded.state.kind === "ready" ? loaded.state.value : null;
  const { fleet } = page.live;
  useEffect(() => {
    if (found) fleet.describe(found.own);
  }, [found, fleet]);
  const link = page.live.connectionState.value.kind;
  const isFirst = useRef(true);
  const step = page.live.clockStep.value;
  useEffect(() => {
    if (link === "live" && !isFirst.current) void loaded.reload();
    isFirst.current = false;
  }, [link, step, loaded.reload]);
  fleet.structure.value;
  const device = fleet.get(OWN_ID);
  const watch = page.live.watched.value;
  const opened = device?.info && watch?.deviceId === OWN_ID ? { device, watch } : null;
  return (
    <section class="panel device system" aria-labelledby="system-title">
      <header class="device-head">
        <a class="button" href={hashOf({ ...page.route.value, deviceId: null, range: null })}>
          <span aria-hidden="true">‹</span> Devices
        </a>
        <h2 id="system-title">This hub</h2>
        <span class="grow" />
        {opened && <Tools opened={[opened]} metrics={metricsOf(opened.device, opened.watch)} />}
      </header>
      <Loaded of={loaded}>
        {({ system }) => (
          <>
            <SystemFacts system={system} />
            {system.interval_s === 0 ? (
              <p class="message">
                The hub publishes no figures of its own: <code>system.interval_s</code> is 0 in its
                configuration.
              </p>
            ) : opened ? (
              <SystemReadings opened={opened} system={system} />
            ) : (
              <p class="message loading">Loading</p>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

async function load(rest: Rest) {
  const [system, own] = await Promise.all([rest.ask("api/v1/system", "GET"), rest.device(OWN_ID)]);
  return { system: system as SystemInfo, own };
}

function SystemReadings({ opened, system }: { opened: Opened; system: SystemInfo }) {
  const page = usePage();
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const { device, watch } = opened;
  const metrics = metricsOf(device, watch);
  return (
    <>
      {!page.route.value.range && <Tiles device={device} watch={watch} system={system} />}
      <DeviceReadings opened={[opened]} metrics={metrics} hidden={hidden} />
    </>
  );
}

function Tiles({ device, watch, system }: Opened & { readonly system: SystemInfo }) {
  const page = usePage();
  const tiles = useRef<HTMLDListElement>(null);
  const old = useRef<HTMLParagraphElement>(null);
  const intervalMs = system.interval_s * 1000;
  const names = device.info?.metrics.map((metric) => metric.name).join() ?? "";
  useEffect(() => {
    const figures = TILES.map(([name]) => new ValueFormatter(device.metric(name)?.decimals ?? null));
    const paint = () => {
      const cells = tiles.current?.querySelectorAll("dd") ?? [];
      let newest = 0;
      TILES.forEach(([name], index) => {
        const sample = watch.latest.get(name);
        if (sample) newest = Math.max(newest, sample[0]);
        const cell = cells[index];
        if (cell)
          setText(cell, sample ? (figures[index]?.value(sample[1], unitOf(device, name)) ?? "") : "–");
      });
      const ageMs = page.viewNow() - newest;
      if (!old.current) return;
      const isOld = newest > 0 && ageMs > MISSED * intervalMs;
      setText(old.current, isOld ? `These figures are ${span(ageMs)} old.` : "");
    };
    return page.loop.add({ intervalMs: () => Math.max(TILE_MS, page.minIntervalMs()), paint });
  }, [page, device, watch, names, intervalMs]);
  return (
    <>
      <dl ref={tiles} class="tiles">
        {TILES.map(([name, words]) => (
          <div key={name} data-metric={name}>
            <dt>
              {words}
              {name === "journal_mib" &&
                system.journal &&
                `, of ${system.journal.bytes_max / MIB} MiB at most`}
            </dt>
            <dd>–</dd>
          </div>
        ))}
      </dl>
      <p ref={old} class="figures-old" />
    </>
  );
}

/** A tile's words say “a second” already. */
function unitOf(device: DeviceRecord, name: string): string | null {
  const unit = device.metric(name)?.unit ?? null;
  return unit === "1/s" ? null : unit;
}

/** What does not change from second to second. */
function SystemFacts({ system }: { system: SystemInfo }) {
  const page = usePage();
  const uptime = useRef<HTMLElement>(null);
  const startedAt = Date.parse(system.started_at);
  useEffect(
    () =>
      page.loop.add({
        intervalMs: () => UPTIME_MS,
        paint: () => {
          const ms = Math.max(0, page.live.hubClock.now() - startedAt);
          if (uptime.current) setText(uptime.current, span(ms));
        },
      }),
    [page, startedAt],
  );
  const presences = Object.entries(system.devices) as [Presence, number][];
  return (
    <div class="system-facts">
      <StorageFacts trouble={page.live.trouble.value} />
      <p class="small">
        Version {system.version} · up <span ref={uptime} /> since {moment(system.started_at)} ·{" "}
        {presences.map(([presence, count]) => `${count} ${PRESENCE_WORD[presence].toLowerCase()}`).join(", ")}
      </p>
      <ClockFacts clock={system.clock} />
      {system.certificate && (
        <p>
          <strong>Certificate</strong> Valid until {moment(system.certificate.ends)}.{" "}
          {system.certificate.refusal && `The new one was refused: ${system.certificate.refusal}`}
        </p>
      )}
      <details>
        <summary>Limits</summary>
        <table class="values limits">
          <tbody>
            {Object.entries(system.limits).map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value.toLocaleString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </div>
  );
}

function StorageFacts({ trouble }: { trouble: StorageState | null }) {
  const safe = "readings are on disk before they are acknowledged";
  const [look, words, more] = !trouble
    ? ["", "✓ Storing", safe]
    : trouble.failing
      ? ["is-failing", "✕ Not storing", trouble.message]
      : ["is-behind", "▲ Storing in the journal only", safe];
  return (
    <p>
      <strong class={`storing ${look}`}>{words}</strong> {more}
    </p>
  );
}

/** What there is to know of the hub's clock; nothing while it just goes on. */
function ClockFacts({ clock }: { clock: ClockInfo }) {
  const { is_set, steps, stepped_at, stepped_by_s, may_forget } = clock;
  if (is_set && steps === 0 && may_forget) return null;
  return (
    <p>
      <strong>Clock</strong>{" "}
      {!is_set &&
        "This machine does not know the time yet; the hub goes on from the newest reading it stored. "}
      {steps > 0 &&
        stepped_at !== null &&
        `Set ${stepWords(1000 * (stepped_by_s ?? 0))} at ${moment(stepped_at)}` +
          (steps > 1 ? `, the last of ${steps} times since the start. ` : ". ")}
      {!may_forget && "Nothing is deleted because of its age until the clock has been steady for a while."}
    </p>
  );
}
