import type { Alert } from "../../../live/alerts";
import type { PresenceMoment } from "../../../live/presenceLog";
import type { Presence } from "../../../live/protocol";

/** Something that happened at a moment, for the time axis of a device's charts. */
export interface Mark {
  readonly key: string;
  readonly kind: "alert" | "presence";
  readonly deviceId: string;
  readonly time: number;
  readonly text: string;
}

const BECAME: Readonly<Record<Presence, string>> = {
  online: "Came online",
  stale: "Went stale",
  offline: "Went offline",
  never_seen: "Never seen",
};

/** What happened to these devices, by time. Of several devices, each says whose it is. */
export function marksOf(
  alerts: readonly Alert[],
  presences: readonly PresenceMoment[],
  devices: readonly { readonly id: string; readonly name: string }[],
): Mark[] {
  const names = new Map(devices.map(({ id, name }) => [id, devices.length > 1 ? `${name}: ` : ""]));
  const mark = (kind: Mark["kind"], deviceId: string, time: number, text: string): Mark[] => {
    const whose = names.get(deviceId);
    if (whose === undefined) return [];
    return [{ key: [kind, deviceId, time, text].join(), kind, deviceId, time, text: whose + text }];
  };
  return [
    ...alerts.flatMap(({ deviceId, time, title, severity, state }) => {
      return mark("alert", deviceId, time, `${title} (${[severity, state].filter(Boolean).join(", ")})`);
    }),
    ...presences.flatMap(({ deviceId, time, presence }) =>
      mark("presence", deviceId, time, BECAME[presence]),
    ),
  ].sort((one, other) => one.time - other.time);
}

/** Marks that share a place on the axis, because they would lie on each other. */
export interface MarkGroup {
  readonly key: string;
  /** "alert" where any of them is one. */
  readonly kind: Mark["kind"];
  /** Of the first. */
  readonly time: number;
  readonly marks: readonly Mark[];
}

/** Groups marks, by time, that come within `withinMs` after the first of their group. */
export function groupMarks(marks: readonly Mark[], withinMs: number): MarkGroup[] {
  const groups: Mark[][] = [];
  for (const mark of marks) {
    const group = groups[groups.length - 1];
    if (group?.[0] && mark.time - group[0].time < withinMs) group.push(mark);
    else groups.push([mark]);
  }
  return groups.flatMap((members) => {
    const [first] = members;
    const kind = members.some((mark) => mark.kind === "alert") ? "alert" : "presence";
    return first ? [{ key: first.key, kind, time: first.time, marks: members }] : [];
  });
}
