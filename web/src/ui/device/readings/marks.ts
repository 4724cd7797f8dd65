import type { Alert } from "../../../live/alerts";
import type { Note } from "../../../live/note";
import type { PresenceMoment } from "../../../live/presenceLog";
import type { Presence } from "../../../live/protocol";

/** Something that happened at a moment, for the time axis of a device's charts. */
export interface Mark {
  readonly key: string;
  readonly kind: "alert" | "note" | "presence";
  readonly deviceId: string;
  readonly time: number;
  readonly text: string;
}

/** Of a note; the rest is in its list. */
const TEXT_MOST = 120;

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
  notes: readonly Note[] = [],
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
    ...notes.flatMap(({ device, at, made_at, by, text }) =>
      mark("note", device, at ?? made_at, `${by}: ${shortened(text)}`),
    ),
  ].sort((one, other) => one.time - other.time);
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > TEXT_MOST ? `${line.slice(0, TEXT_MOST - 1)}…` : line;
}

/** Marks that share a place on the axis, because they would lie on each other. */
export interface MarkGroup {
  readonly key: string;
  /** Of the weightiest of them. */
  readonly kind: Mark["kind"];
  /** Of the first. */
  readonly time: number;
  readonly marks: readonly Mark[];
}

/** Of a group with several kinds, the first of these is shown. */
const WEIGHT: readonly Mark["kind"][] = ["alert", "note", "presence"];

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
    const kind = WEIGHT.find((one) => members.some((mark) => mark.kind === one)) ?? "presence";
    return first ? [{ key: first.key, kind, time: first.time, marks: members }] : [];
  });
}
