/** The windows a device can be looked at through, in seconds. */
export const WINDOWS_S = [15, 60, 300] as const;
export type WindowSeconds = (typeof WINDOWS_S)[number];
const DEFAULT_WINDOW_S: WindowSeconds = 60;
const DEVICE = "#/device/";
const ADD = "#/add";
/** What can be looked at of a device; the first is what a plain link opens. */
export const SECTIONS = ["readings", "keys", "rejections", "commands", "attributes", "settings"] as const;
export type Section = (typeof SECTIONS)[number];

/** Where the page is: which device is open, and its window. Kept in the address after `#`, so that links go deep. */
export interface Route {
  readonly deviceId: string | null;
  readonly section: Section;
  readonly windowS: WindowSeconds;
  /** The dialog that adds a device is open, above the list. */
  readonly isAdding: boolean;
}

/** Reads `#/device/<id>/<section>?window=60` and `#/add`; anything else is the list. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.split("?", 2);
  const wished = Number(new URLSearchParams(query).get("window"));
  const windowS = WINDOWS_S.find((seconds) => seconds === wished) ?? DEFAULT_WINDOW_S;
  const list: Route = { deviceId: null, section: "readings", windowS, isAdding: path === ADD };
  if (!path.startsWith(DEVICE)) return list;
  const [id = "", named] = path.slice(DEVICE.length).split("/");
  const section = SECTIONS.find((one) => one === named) ?? "readings";
  try {
    return { ...list, deviceId: decodeURIComponent(id) || null, section };
  } catch {
    return list;
  }
}

export function hashOf(route: Route): string {
  const query = route.windowS === DEFAULT_WINDOW_S ? "" : `?window=${route.windowS}`;
  if (route.deviceId === null) return `${route.isAdding ? ADD : "#/"}${query}`;
  const section = route.section === "readings" ? "" : `/${route.section}`;
  return `${DEVICE}${encodeURIComponent(route.deviceId)}${section}${query}`;
}
