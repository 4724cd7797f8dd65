import { expect, it } from "vitest";
import type { History } from "../src/live/rest";
import { storedOf } from "../src/paint/past";
import { infoOf } from "./devices";

const [metric] = infoOf("a").metrics;
const line = {
  key: "a t",
  deviceId: "a",
  metric: metric as NonNullable<typeof metric>,
  owner: null,
  colour: 0,
  shape: null,
};

function summaryOf(history: History) {
  return storedOf({ line, history, expectedMs: null }, 0, 1000).summary;
}

it("has the mean of all readings in the buckets, not of the buckets", () => {
  const history = {
    tier: "minute",
    step: 60,
    time: [0, 60, 120],
    min: [0, 5, 1],
    max: [4, 5, 9],
    avg: [2, 5, 3],
    count: [98, 1, 1],
  };

  expect(summaryOf(history)).toEqual({ min: 0, mean: (98 * 2 + 5 + 3) / 100, max: 9 });
});

it("takes each reading for one where rows are readings", () => {
  const values = [1, 2, 6];

  expect(
    summaryOf({
      tier: "raw",
      step: null,
      time: [0, 1, 2],
      min: values,
      max: values,
      avg: values,
      count: null,
    }),
  ).toEqual({ min: 1, mean: 3, max: 6 });
});

it("has nothing to say of no readings", () => {
  expect(summaryOf({ tier: "raw", step: null, time: [], min: [], max: [], avg: [], count: null })).toBeNull();
});
