import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Alert, Severity } from "../live/alerts";
import type { DeviceRecord } from "../live/fleet";
import { age, count, moment } from "../paint/format";
import style from "../styles/alerts.css?inline";
import { PLAIN_LIST, sortBy } from "./listView";
import { type Page, usePage } from "./page";
import { adoptStyle } from "./parts/adoptStyle";
import { PresenceMark } from "./parts/PresenceMark";
import { PRESENCE_WORD } from "./parts/words";
import { ALERT_VIEWS, hashOf, type Range } from "./route";

adoptStyle(style);

/** For more there is the list. */
const LISTED_MOST = 100;
/** What is shown before and after the moment something happened. */
const AROUND_MS = 10 * 60_000;
const NOW_MS = 1_000;
const SEVERITY_WORD: Readonly<Record<Severity, string>> = {
  critical: "Critical",
  warning: "Warning",
  info: "Notice",
};

/** What needs looking at, newest first, each with a link to the moment it began. */
export function AlertsDrawer() {
  const page = usePage();
  const { fleet, alerts } = page.live;
  const now = useNow(page);
  fleet.structure.value;
  const told = alerts.list.value;
  useEffect(() => alerts.seen(), [alerts, told]);
  const troubled = [...fleet.listed()]
    .filter(({ presence }) => presence === "offline" || presence === "stale")
    .sort((a, b) => (b.since ?? 0) - (a.since ?? 0));
  return (
    <div class="alerts">
      <nav class="alerts-links" aria-label="Alerts and rules">
        {ALERT_VIEWS.map((view) => (
          <a
            key={view}
            class="button"
            href={hashOf({ ...page.route.value, deviceId: null, access: null, alerts: { view, query: {} } })}
            onClick={() => {
              page.isAlertsOpen.value = false;
            }}
          >
            {view === "alerts" ? "All alerts" : "Rules"}
          </a>
        ))}
      </nav>
      {told.length > 0 && <h3>Alerts</h3>}
      {told.length > 0 && (
        <ul class="alerts-list" aria-label="Alerts">
          {told.map((alert, index) => (
            <AlertRecord key={told.length - index} alert={alert} now={now} />
          ))}
        </ul>
      )}
      {told.length > 0 && troubled.length > 0 && <h3>Devices</h3>}
      {troubled.length > 0 && (
        <ul class="alerts-list" aria-label="Devices that are offline or stale">
          {troubled.slice(0, LISTED_MOST).map((device) => (
            <DeviceRecordLine key={device.id} device={device} now={now} />
          ))}
        </ul>
      )}
      {troubled.length > LISTED_MOST && <RestOfThem left={troubled.length - LISTED_MOST} />}
      {troubled.length === 0 && told.length === 0 && (
        <p class="message">Every device that was ever seen is online, and there are no alerts.</p>
      )}
    </div>
  );
}

function DeviceRecordLine({ device, now }: { device: DeviceRecord; now: number }) {
  const { since } = device;
  return (
    <li>
      <MomentLink deviceId={device.id} time={since}>
        <PresenceMark presence={device.presence} />
        <span class="alerts-text">
          <span class="alerts-title">{device.name}</span>
          <span class="small">
            {PRESENCE_WORD[device.presence]}
            {since !== null && ` since ${moment(since)}`}
          </span>
        </span>
        <span class="small">{since !== null && age(now - since)}</span>
      </MomentLink>
    </li>
  );
}

function AlertRecord({ alert, now }: { alert: Alert; now: number }) {
  const page = usePage();
  const name = page.live.fleet.get(alert.deviceId)?.name ?? alert.deviceId;
  return (
    <li>
      <MomentLink deviceId={alert.deviceId} time={alert.time}>
        <SeverityMark severity={alert.severity} />
        <span class="alerts-text">
          <span class="alerts-title">{alert.title}</span>
          <span class="small">
            {[SEVERITY_WORD[alert.severity], alert.state, name, moment(alert.time)]
              .filter(Boolean)
              .join(" · ")}
          </span>
        </span>
        <span class="small">{age(now - alert.time)}</span>
      </MomentLink>
    </li>
  );
}

/** A link to a device at the moment something happened to it. */
export function MomentLink(props: { deviceId: string; time: number | null; children: ComponentChildren }) {
  const page = usePage();
  const { deviceId, time } = props;
  if (!page.live.fleet.get(deviceId)) return <span class="alerts-line">{props.children}</span>;
  const range = time === null ? null : rangeAround(time, page.viewNow());
  const close = () => {
    page.isAlertsOpen.value = false;
  };
  return (
    <a
      class="alerts-line"
      href={hashOf({ ...page.route.value, deviceId, section: "readings", range })}
      onClick={close}
    >
      {props.children}
    </a>
  );
}

function rangeAround(time: number, now: number): Range {
  return { from: Math.round(time - AROUND_MS), to: Math.round(Math.min(time + AROUND_MS, now)) };
}

function RestOfThem({ left }: { left: number }) {
  const page = usePage();
  const place = { deviceId: null, alerts: null, list: { ...PLAIN_LIST, sort: sortBy("problems") } };
  const close = () => {
    page.isAlertsOpen.value = false;
  };
  return (
    <a class="button" href={hashOf({ ...page.route.value, ...place })} onClick={close}>
      {count(left)} more in the list
    </a>
  );
}

/** Severity by shape: a filled triangle, an empty one, an empty circle. The word stands beside it. */
export function SeverityMark({ severity }: { severity: Severity }) {
  return (
    <svg class={`mark severity-${severity}`} viewBox="0 0 12 12" aria-hidden="true">
      {severity === "info" ? <circle cx="6" cy="6" r="4.5" /> : <path d="M6 1.5L11 10.5H1z" />}
    </svg>
  );
}

/** Hub time, again every second. */
function useNow(page: Page): number {
  const [now, setNow] = useState(page.viewNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(page.viewNow()), NOW_MS);
    return () => clearInterval(timer);
  }, [page]);
  return now;
}
