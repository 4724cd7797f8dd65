import type { Presence } from "../../live/protocol";

/** Presence as people read it. */
export const PRESENCE_WORD: Readonly<Record<Presence, string>> = {
  online: "Online",
  stale: "Stale",
  offline: "Offline",
  never_seen: "Never seen",
};

/** While the hub cannot be heard, presence is only what it last said. */
export const PRESENCE_WAS: Readonly<Record<Presence, string>> = {
  online: "Was online",
  stale: "Was stale",
  offline: "Was offline",
  never_seen: "Never seen",
};

/** A window as it is spoken of: "60 seconds", "5 minutes". */
export function windowWords(seconds: number): string {
  return seconds < 120 ? `${seconds} seconds` : `${seconds / 60} minutes`;
}
