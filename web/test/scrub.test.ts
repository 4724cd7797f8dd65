import { expect, it } from "vitest";
import { shownAt } from "../src/ui/device/readings/scrub";

const NOW = 10_000_000;
const HELD_FROM = NOW - 300_000;

it.each([
  [NOW, { kind: "live" }],
  [NOW - 1_000, { kind: "live" }],
  [NOW - 30_000, { kind: "held", at: NOW - 30_000 }],
  [NOW - 240_000, { kind: "held", at: NOW - 240_000 }],
  [NOW - 240_001, { kind: "stored", from: NOW - 300_001, to: NOW - 240_001 }],
  [NOW - 3_600_000, { kind: "stored", from: NOW - 3_660_000, to: NOW - 3_600_000 }],
])("shows the minute up to %d", (at, shown) => {
  expect(shownAt(at, NOW, HELD_FROM, 60_000)).toEqual(shown);
});

it("asks the hub while the page holds nothing yet", () => {
  expect(shownAt(NOW - 5_000, NOW, Number.POSITIVE_INFINITY, 15_000).kind).toBe("stored");
});
