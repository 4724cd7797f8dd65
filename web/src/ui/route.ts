/** The windows a device can be looked at through, in seconds. */
export const WINDOWS_S = [15, 60, 300] as const;
export type WindowSeconds = (typeof WINDOWS_S)[number];
const DEFAULT_WINDOW_S: WindowSeconds = 60;
const DEVICE = "#/device/";

/** Where the page is: which device is open, and its window. Kept in the address after `#`, so that links go deep. */
export interface Route {
  readonly deviceId: string | null;
  readonly windowS: WindowSeconds;
}

/** Reads `#/device/<id>?window=60`; anything else is the list. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.split("?", 2);
  const wished = Number(new URLSearchParams(query).get("window"));
  const windowS = WINDOWS_S.find((seconds) => seconds === wished) ?? DEFAULT_WINDOW_S;
  if (!path.startsWith(DEVICE)) return { deviceId: null, windowS };
  try {
    return { deviceId: decodeURIComponent(path.slice(DEVICE.length)) || null, windowS };
  } catch {
    return { deviceId: null, windowS };
  }
}

export function hashOf(route: Route): string {
  const query = route.windowS === DEFAULT_WINDOW_S ? "" : `?window=${route.windowS}`;
  return route.deviceId === null ? `#/${query}` : `${DEVICE}${encodeURIComponent(route.deviceId)}${query}`;
}
