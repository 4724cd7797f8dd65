import { OWN_ID } from "../live/protocol";
import { type ListView, listViewOf, writeListView } from "./listView";

/** How much of the last readings a device's charts can show, in seconds. */
export const WINDOWS_S = [15, 60, 300] as const;
export type WindowSeconds = (typeof WINDOWS_S)[number];
const DEFAULT_WINDOW_S: WindowSeconds = 60;
const DEVICE = "#/device/";
const ADD = "#/add";
const WALL = "#/wall";
const SYSTEM = "#/system";
/** The views of people and of what they come in with. */
export const ACCESS_VIEWS = ["account", "tokens", "people", "audit"] as const;
export type AccessView = (typeof ACCESS_VIEWS)[number];
/** The views of what fires, and of the rules it fires by. */
export const ALERT_VIEWS = ["alerts", "rules"] as const;
export type AlertView = (typeof ALERT_VIEWS)[number];
export const ALERT_WORD: Readonly<Record<AlertView, string>> = { alerts: "Alerts", rules: "Rules" };
/** What of them is shown: a filter of alerts, or the rule that is open: its number, or "new". */
const ALERT_QUERY = ["state", "severity", "device", "rule"] as const;

/** A view of alerts or rules, with what its link asks for. */
export interface AlertPlace {
  readonly view: AlertView;
  readonly query: Readonly<Partial<Record<(typeof ALERT_QUERY)[number], string>>>;
}
/** The parts of a device's view; a plain link opens the first. */
export const SECTIONS = [
  "readings",
  "notes",
  "keys",
  "rejections",
  "commands",
  "attributes",
  "settings",
] as const;
export type Section = (typeof SECTIONS)[number];

/** A stretch of the past, milliseconds UTC. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A chart of more devices than these and the open one is hard to read. */
export const COMPARED_MAX = 3;

/** A shorter selection is a click, not a drag. */
export const RANGE_LEAST_MS = 10;

/**
 * Which device is open, its window, and how the list is arranged. Kept in the address after `#`, as a deep
 * link.
 */
export interface Route {
  readonly deviceId: string | null;
  readonly section: Section;
  readonly windowS: WindowSeconds;
  /** The range of the past that is shown; null is live. */
  readonly range: Range | null;
  /** Numbers in tables instead of charts. */
  readonly isTable: boolean;
  /** Ids of other devices drawn beside the open one. */
  readonly compared: readonly string[];
  readonly list: ListView;
  /** The dialog that adds a device is open, above the list. */
  readonly isAdding: boolean;
  /** The devices of the list in large, for a screen on a wall. */
  readonly isWall: boolean;
  readonly access: AccessView | null;
  readonly alerts: AlertPlace | null;
}

/**
 * Reads `#/device/<id>/<section>?window=60&from=<ms>&to=<ms>&view=table&compare=<id>,<id>`, `#/system` (the
 * hub itself, as a device), `#/add`, `#/wall`, `#/account`, `#/tokens`, `#/people`, `#/audit`,
 * `#/alerts?state=all&severity=critical` and `#/rules?rule=<id>`; anything else is the list. How the
 * list is arranged is in all of them. A malformed part is ignored, and the rest of
 * the link is used.
 */
export function routeOf(hash: string): Route {
  const [path = "", ...query] = hash.split("?");
  const parameters = new URLSearchParams(query.join("?"));
  const wished = Number(parameters.get("window"));
  const windowS = WINDOWS_S.find((seconds) => seconds === wished) ?? DEFAULT_WINDOW_S;
  const list: Route = {
    deviceId: null,
    section: "readings",
    windowS,
    range: rangeOf(parameters),
    isTable: parameters.get("view") === "table",
    compared: [],
    list: listViewOf(parameters),
    isAdding: path === ADD,
    isWall: path === WALL,
    access: ACCESS_VIEWS.find((view) => path === `#/${view}`) ?? null,
    alerts: alertPlaceOf(path, parameters),
  };
  if (path === SYSTEM) return { ...list, deviceId: OWN_ID };
  if (!path.startsWith(DEVICE)) return list;
  const [id = "", named] = path.slice(DEVICE.length).split("/");
  const deviceId = decoded(id);
  if (deviceId === "") return list;
  const section = SECTIONS.find((one) => one === named) ?? "readings";
  return { ...list, deviceId, section, compared: comparedOf(parameters, deviceId) };
}

function alertPlaceOf(path: string, parameters: URLSearchParams): AlertPlace | null {
  const view = ALERT_VIEWS.find((one) => path === `#/${one}`);
  const asked = ALERT_QUERY.map((name) => [name, parameters.get(name)] as const);
  return view ? { view, query: Object.fromEntries(asked.filter(([, text]) => text)) } : null;
}

/** Ids are encoded one by one, so that a comma in one does not split it. */
function comparedOf(parameters: URLSearchParams, deviceId: string): string[] {
  const named = (parameters.get("compare") ?? "").split(",").map(decoded);
  const others = new Set(named.filter((id) => id !== "" && id !== deviceId));
  return [...others].slice(0, COMPARED_MAX);
}

/** Empty where it is malformed: that part of the link is ignored. */
function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return "";
  }
}

function rangeOf(parameters: URLSearchParams): Range | null {
  const [from, to] = [Number(parameters.get("from")), Number(parameters.get("to"))];
  return from > 0 && to - from >= RANGE_LEAST_MS && to < Number.MAX_SAFE_INTEGER ? { from, to } : null;
}

export function hashOf(route: Route): string {
  const parameters = new URLSearchParams();
  if (route.windowS !== DEFAULT_WINDOW_S) parameters.set("window", String(route.windowS));
  if (route.range && route.deviceId !== null) {
    parameters.set("from", String(route.range.from));
    parameters.set("to", String(route.range.to));
  }
  if (route.isTable) parameters.set("view", "table");
  if (route.compared.length > 0 && route.deviceId !== null) {
    parameters.set("compare", route.compared.map(encodeURIComponent).join(","));
  }
  writeListView(route.list, parameters);
  const place = route.deviceId === null && route.access === null && !route.isWall ? route.alerts : null;
  for (const [name, text] of Object.entries(place?.query ?? {})) parameters.set(name, text);
  const query = parameters.size > 0 ? `?${parameters}` : "";
  if (route.isWall) return `${WALL}${query}`;
  if (route.deviceId === null && route.access !== null) return `#/${route.access}${query}`;
  if (place) return `#/${place.view}${query}`;
  if (route.deviceId === null) return `${route.isAdding ? ADD : "#/"}${query}`;
  if (route.deviceId === OWN_ID) return `${SYSTEM}${query}`;
  const section = route.section === "readings" ? "" : `/${route.section}`;
  return `${DEVICE}${encodeURIComponent(route.deviceId)}${section}${query}`;
}
