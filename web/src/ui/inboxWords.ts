import type { InboxEntry } from "../live/note";
import type { Route } from "./route";

/** What is shown around the moment at which an alert opened, as in the links of other messages. */
const AROUND_MS = 900_000;

/** Who an entry is from: a person, or the hub, where nobody did what it tells of. */
export function senderOf(entry: InboxEntry): string {
  if (entry.kind !== "alert") return entry.by;
  return entry.by === "" ? "Alert" : `Alert, by ${entry.by}`;
}

/** Where an entry leads: to the notes of its device, or to its readings when the alert opened. */
export function placeOf(entry: InboxEntry, route: Route): Route {
  const device: Route = { ...route, deviceId: entry.device, isWall: false, access: null, alerts: null };
  if (entry.kind !== "alert" || entry.at === null) return { ...device, section: "notes" };
  const opened = Math.round(entry.at);
  return {
    ...device,
    section: "readings",
    compared: [],
    range: { from: opened - AROUND_MS, to: opened + AROUND_MS },
  };
}
