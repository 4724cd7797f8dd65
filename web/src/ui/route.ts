/** The windows a device can be looked at through, in seconds. */
export const WINDOWS_S = [15, 60, 300] as const;
export type WindowSeconds = (typeof WINDOWS_S)[number];
const DEFAULT_WINDOW_S: WindowSeconds = 60;
const DEVICE = "#/device/";
const ADD = "#/add";

/** Where the page is: which device is open, and its window. Kept in the address after `#`, so that links go deep. */
export interface Route {
  readonly deviceId: string | null;
  readonly windowS: WindowSeconds;
  /** The dialog that adds a device is open, above the list. */
  readonly isAdding: boolean;
}

/** Reads `#/device/<id>?window=60` and `#/add`; anything else is the list. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.split("?", 2);
  const wished = Number(new URLSearchParams(query).get("window"));
  const windowS = WINDOWS_S.find((seconds) => seconds === wished) ?? DEFAULT_WINDOW_S;
  const list = { deviceId: null, windowS, isAdding: path === ADD };
  if (!path.startsWith(DEVICE)) return list;
  try {
    return { ...list, deviceId: decodeURIComponent(path.slice(DEVICE.length)) || null };
  } catch {
    return list;
  }
}

export function hashOf(route: Route): string {
  const query = route.windowS === DEFAULT_WINDOW_S ? "" : `?window=${route.windowS}`;
  if (route.deviceId === null) return `${route.isAdding ? ADD : "#/"}${query}`;
  return `${DEVICE}${encodeURIComponent(route.deviceId)}${query}`;
}
