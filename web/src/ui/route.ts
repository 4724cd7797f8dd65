/** The windows a device can be looked at through, in seconds. */
export const WINDOWS_S = [15, 60, 300] as const;
export type WindowSeconds = (typeof WINDOWS_S)[number];
const DEFAULT_WINDOW_S: WindowSeconds = 60;
const DEVICE = "#/device/";
const ADD = "#/add";
/** What can be looked at of a device; the first is what a plain link opens. */
export const SECTIONS = ["readings", "keys", "rejections", "commands", "attributes", "settings"] as const;
export type Section = (typeof SECTIONS)[number];

/** A stretch of the past, milliseconds UTC. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Less than this is not looked at: a click, not a drag. */
export const RANGE_LEAST_MS = 10;

/** Where the page is: which device is open, and its window. Kept in the address after `#`, so that links go deep. */
export interface Route {
  readonly deviceId: string | null;
  readonly section: Section;
  readonly windowS: WindowSeconds;
  /** What of the past is looked at; null is live. */
  readonly range: Range | null;
  /** Numbers in tables instead of charts. */
  readonly isTable: boolean;
  /** The list begins with the devices that need looking after. */
  readonly isProblemsFirst: boolean;
  /** The dialog that adds a device is open, above the list. */
  readonly isAdding: boolean;
}

/** Reads `#/device/<id>/<section>?window=60&from=<ms>&to=<ms>&view=table` and `#/add`; anything else is the list. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.split("?", 2);
  const parameters = new URLSearchParams(query);
  const wished = Number(parameters.get("window"));
  const windowS = WINDOWS_S.find((seconds) => seconds === wished) ?? DEFAULT_WINDOW_S;
  const list: Route = {
    deviceId: null,
    section: "readings",
    windowS,
    range: rangeOf(parameters),
    isTable: parameters.get("view") === "table",
    isProblemsFirst: parameters.get("first") === "problems",
    isAdding: path === ADD,
  };
  if (!path.startsWith(DEVICE)) return list;
  const [id = "", named] = path.slice(DEVICE.length).split("/");
  const section = SECTIONS.find((one) => one === named) ?? "readings";
  try {
    return { ...list, deviceId: decodeURIComponent(id) || null, section };
  } catch {
    return list;
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
  if (route.isProblemsFirst) parameters.set("first", "problems");
  const query = parameters.size > 0 ? `?${parameters}` : "";
  if (route.deviceId === null) return `${route.isAdding ? ADD : "#/"}${query}`;
  const section = route.section === "readings" ? "" : `/${route.section}`;
  return `${DEVICE}${encodeURIComponent(route.deviceId)}${section}${query}`;
}
