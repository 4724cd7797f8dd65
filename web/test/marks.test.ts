import { expect, it } from "vitest";
import type { Alert } from "../src/live/alerts";
import type { PresenceMoment } from "../src/live/presenceLog";
import { groupMarks, marksOf } from "../src/ui/device/readings/marks";

const alert: Alert = {
  id: 1,
  deviceId: "a",
  severity: "critical",
  title: "Too hot",
  time: 20,
  state: "firing",
  told: null,
};
const gone: PresenceMoment = { deviceId: "a", presence: "offline", time: 10 };
const other: PresenceMoment = { deviceId: "b", presence: "online", time: 30 };
const [a, b] = [
  { id: "a", name: "Press" },
  { id: "b", name: "Mill" },
];

it("tells what happened to a device, by time, and nothing of others", () => {
  expect(marksOf([alert], [gone, other], [a]).map(({ time, kind, text }) => [time, kind, text])).toEqual([
    [10, "presence", "Went offline"],
    [20, "alert", "Too hot (critical, firing)"],
  ]);
});

it("says whose it is where devices are compared", () => {
  expect(marksOf([alert], [other], [a, b]).map(({ text }) => text)).toEqual([
    "Press: Too hot (critical, firing)",
    "Mill: Came online",
  ]);
});

it("does without a state that is not told", () => {
  const [mark] = marksOf([{ ...alert, state: null }], [], [a]);

  expect(mark?.text).toBe("Too hot (critical)");
});

it("groups those that would lie on each other, alerts before presence", () => {
  const marks = marksOf([alert], [gone, { ...gone, presence: "online", time: 40 }], [a]);

  const groups = groupMarks(marks, 15);

  expect(groups.map(({ kind, time, marks }) => [kind, time, marks.length])).toEqual([
    ["alert", 10, 2],
    ["presence", 40, 1],
  ]);
  expect(groupMarks(marks, 0)).toHaveLength(3);
});

it("has notes at what they are about, or when they were written, in one short line", () => {
  const shared = { id: 1, device: "a", until: null, by: "ada", person: true, edited_at: null };
  const notes = [
    { ...shared, text: "valve\nreplaced", at: 5, made_at: 50 },
    { ...shared, text: "x".repeat(500), at: null, made_at: 15 },
  ];

  const marks = marksOf([], [gone], [a], notes);

  expect(marks.map(({ kind, time }) => [kind, time])).toEqual([
    ["note", 5],
    ["presence", 10],
    ["note", 15],
  ]);
  expect(marks[0]?.text).toBe("ada: valve replaced");
  expect(marks[2]?.text).toHaveLength("ada: ".length + 120);
  expect(groupMarks(marks, 100)[0]?.kind).toBe("note");
});
