import { describe, expect, it } from "vitest";
import { ROW_PX, rowAfterKey, rowsInSight } from "../src/ui/viewport";

describe("rowsInSight", () => {
  it("has the rows in sight and two around them", () => {
    expect(rowsInSight({ top: 100 * ROW_PX, height: 10 * ROW_PX }, 1000)).toEqual({ start: 98, end: 113 });
  });

  it("ends with the last row", () => {
    expect(rowsInSight({ top: 995 * ROW_PX, height: 10 * ROW_PX }, 1000)).toEqual({ start: 985, end: 1000 });
  });

  it("has all rows of a short list, wherever it was scrolled to", () => {
    expect(rowsInSight({ top: 500 * ROW_PX, height: 10 * ROW_PX }, 3)).toEqual({ start: 0, end: 3 });
  });

  it("never has forty, however tall the window", () => {
    const { start, end } = rowsInSight({ top: 0, height: 100_000 }, 1000);

    expect(end - start).toBeLessThan(40);
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
])("%s leads from row %i to %s", (key, active, target) => {
  expect(rowAfterKey(key, active, 10, 4)).toBe(target);
});
