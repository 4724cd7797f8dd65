import { expect, it } from "vitest";
import { backoffMs } from "../src/live/backoff";

it("doubles the cap with each attempt and stays under 30 s", () => {
  const highest = [0, 1, 2, 3, 4, 5, 6, 7, 100, 5000].map((attempt) => backoffMs(attempt, () => 1));

  expect(highest).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000]);
});

it("spreads over all of it, from nothing on", () => {
  expect(backoffMs(6, () => 0)).toBe(0);
  expect(backoffMs(6, () => 0.5)).toBe(15000);
});
