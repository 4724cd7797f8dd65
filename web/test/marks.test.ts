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
