import { describe, expect, it } from "vitest";
import { Fleet } from "../src/live/fleet";
import { type GridLine, groupsByLabel, linesOfDevices, linesOfGroups } from "../src/ui/list/listing";
import { GROUP_PX, lineAfterKey, linesInSight, ROW_PX, topsOf } from "../src/ui/list/viewport";
import { infoOf } from "./devices";

const ROW = ROW_PX.comfortable;

function devices(count: number) {
  const fleet = new Fleet();
  fleet.describeAll(
    Array.from({ length: count }, (_, index) => infoOf(`${index}`, { labels: { odd: `${index % 2}` } })),
  );
  return [...fleet.listed()];
}

function inSight(top: number, height: number, lines: readonly GridLine[]) {
  return linesInSight({ top, height }, topsOf(lines, "comfortable"));
}

describe("linesInSight", () => {
  const thousand = linesOfDevices(devices(1000));

  it("has the lines in sight and two around them", () => {
    expect(inSight(100 * ROW, 10 * ROW, thousand)).toEqual({ start: 98, end: 113 });
  });

  it("ends with the last line", () => {
    const { start, end } = inSight(995 * ROW, 10 * ROW, thousand);

    expect(start).toBeLessThanOrEqual(990);
    expect(end).toBe(1000);
  });

  it("has all lines of a short list, wherever it was scrolled to", () => {
    expect(inSight(500 * ROW, 10 * ROW, linesOfDevices(devices(3)))).toEqual({ start: 0, end: 3 });
  });

  it("never has forty, however tall the window", () => {
    const { start, end } = inSight(0, 100_000, thousand);

    expect(end - start).toBeLessThan(40);
  });

  it("knows that headings have a height of their own", () => {
    const lines = linesOfGroups(groupsByLabel(devices(10), "odd", false), new Set());

    expect([...topsOf(lines, "compact")].slice(5, 9)).toEqual([
      GROUP_PX + 4 * ROW_PX.compact,
      GROUP_PX + 5 * ROW_PX.compact,
      2 * GROUP_PX + 5 * ROW_PX.compact,
      2 * GROUP_PX + 6 * ROW_PX.compact,
    ]);
  });
});

it.each([
  ["ArrowDown", -1, 0],
  ["ArrowDown", 4, 5],
  ["ArrowDown", 9, 9],
  ["ArrowUp", 0, 0],
  ["ArrowUp", -1, 0],
  ["PageDown", 3, 7],
  ["PageUp", 3, 0],
  ["Home", 7, 0],
  ["End", 2, 9],
  ["x", 2, null],
])("%s leads from line %i to %s", (key, active, target) => {
  expect(lineAfterKey(key, active, 10, 4)).toBe(target);
});
