import { describe, expect, it } from "vitest";
import { Ring } from "../src/live/ring";
import { commonGaps, findGaps, nearest, summarize } from "../src/paint/gaps";
import { findPastGaps } from "../src/paint/pastGaps";

function stretchOf(...times: number[]) {
  const ring = new Ring(1000);
  for (const time of times) ring.push(time, time / 1000);
  return ring.window(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
}

const everySecond = [0, 1000, 2000, 3000, 4000, 5000];

describe("findGaps", () => {
  it("finds a pause of more than three usual intervals", () => {
    expect(findGaps(stretchOf(...everySecond, 9000, 10_000), 10_000, null)).toEqual([[5000, 9000]]);
  });

  it("forgives jitter", () => {
    expect(findGaps(stretchOf(...everySecond, 7800, 8800), 9000, null)).toEqual([]);
  });

  it("does not call a slow device's pace a gap", () => {
    expect(findGaps(stretchOf(0, 60_000, 120_000, 180_000, 240_000), 250_000, null)).toEqual([]);
  });

  it("does not call less than a second a gap, however fast the device", () => {
    const fast = Array.from({ length: 50 }, (_, i) => i * 10);

    expect(findGaps(stretchOf(...fast, 1400), 1500, null)).toEqual([]);
  });

  it("counts the silence up to now", () => {
    expect(findGaps(stretchOf(...everySecond), 20_000, null)).toEqual([[5000, 20_000]]);
  });

  it("goes by the expected interval while there are few points", () => {
    expect(findGaps(stretchOf(0, 50_000), 50_000, 20_000)).toEqual([]);
    expect(findGaps(stretchOf(0, 50_000), 50_000, 1_000)).toEqual([[0, 50_000]]);
  });
});

describe("findPastGaps", () => {
  const buckets = (...times: number[]) => Float64Array.from(times);

  it("goes by the buckets that are missing, whatever the device's pace", () => {
    expect(findPastGaps(buckets(0, 60, 120, 240, 300), 60, 0, 360, 1_000)).toEqual([[120, 240]]);
  });

  it("counts what is missing at both ends", () => {
    expect(findPastGaps(buckets(300, 360), 60, 0, 900, null)).toEqual([
      [0, 300],
      [360, 900],
    ]);
  });

  it("goes by the time between readings where rows are readings", () => {
    const times = buckets(...everySecond, 9000, 10_000);

    expect(findPastGaps(times, null, 0, 10_000, null)).toEqual([[5000, 9000]]);
  });

  it("is one gap where there is nothing at all", () => {
    expect(findPastGaps(buckets(), 60, 5, 900, null)).toEqual([[5, 900]]);
  });
});

describe("commonGaps", () => {
  it("is where every line has a gap", () => {
    const one = [
      [0, 10],
      [20, 30],
    ] as const;
    const other = [
      [5, 22],
      [25, 40],
    ] as const;

    expect(commonGaps([one, other])).toEqual([
      [5, 10],
      [20, 22],
      [25, 30],
    ]);
    expect(commonGaps([one, other, [[21, 26]]])).toEqual([
      [21, 22],
      [25, 26],
    ]);
  });

  it("is the gaps of a line that is alone, and none of no lines", () => {
    expect(commonGaps([[[1, 2]]])).toEqual([[1, 2]]);
    expect(commonGaps([])).toEqual([]);
  });
});

describe("nearest", () => {
  it("finds the point on either side", () => {
    const times = Float64Array.from([0, 10, 20]);

    expect([-5, 4, 6, 14, 16, 99].map((time) => nearest(times, time))).toEqual([0, 0, 1, 1, 2, 2]);
  });
});

describe("summarize", () => {
  it("counts only what is inside, not the neighbours drawn across the edges", () => {
    expect(summarize(stretchOf(...everySecond), 1000, 3000)).toEqual({ min: 1, mean: 2, max: 3 });
  });

  it("weighs a mean by how many readings it is of", () => {
    const ring = new Ring(10);
    ring.push(3000, 7);
    ring.merge([1000, 2000], [1, 10], [6, 1]);

    expect(summarize(ring.window(0, 3000), 0, 3000)).toEqual({ min: 1, mean: (6 * 1 + 10 + 7) / 8, max: 10 });
  });

  it("has nothing to say of an empty window", () => {
    expect(summarize(stretchOf(...everySecond), 5500, 9000)).toBeNull();
  });
});
