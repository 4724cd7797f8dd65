import { describe, expect, it } from "vitest";
import { NO_THRESHOLDS, type Thresholds } from "../src/live/rest";
import { concernOf } from "../src/paint/concern";
import { limitsOf } from "../src/paint/limits";
import type { Line } from "../src/paint/lines";

function line(name: string, thresholds: Partial<Thresholds> = {}): Line {
  const metric = {
    name,
    type: "number",
    unit: "°C",
    minimum: null,
    maximum: null,
    decimals: null,
    thresholds: { ...NO_THRESHOLDS, ...thresholds },
  } as const;
  return { key: name, deviceId: "a", metric, owner: null, colour: 0, shape: null };
}

const all = { critical_low: 0, warning_low: 5, warning_high: 28, critical_high: 32 };

describe("limitsOf", () => {
  it("has a labelled limit and a band on each side of what is well", () => {
    const { limits, bands } = limitsOf([line("t", all)]);

    expect(limits.map(({ value, label }) => `${value} ${label}`).sort()).toEqual([
      "0 critical",
      "28 warning",
      "32 critical",
      "5 warning",
    ]);
    expect(bands).toEqual([
      { from: Number.NEGATIVE_INFINITY, to: 0, concern: "critical" },
      { from: 0, to: 5, concern: "warning" },
      { from: 28, to: 32, concern: "warning" },
      { from: 32, to: Number.POSITIVE_INFINITY, concern: "critical" },
    ]);
  });

  it("lets a band without its neighbour reach to the edge", () => {
    expect(limitsOf([line("t", { warning_low: 5 })]).bands).toEqual([
      { from: Number.NEGATIVE_INFINITY, to: 5, concern: "warning" },
    ]);
    expect(limitsOf([line("t", { warning_high: 28 })]).bands).toEqual([
      { from: 28, to: Number.POSITIVE_INFINITY, concern: "warning" },
    ]);
  });

  it("says whose the limits are where not every line has them", () => {
    const { limits, bands } = limitsOf([line("inlet"), line("outlet", { critical_high: 32 })]);

    expect(limits.map(({ label }) => label)).toEqual(["outlet critical"]);
    expect(bands).toHaveLength(1);
  });

  it("draws no bands where lines disagree", () => {
    const { limits, bands } = limitsOf([
      line("inlet", { critical_high: 30 }),
      line("outlet", { critical_high: 32 }),
    ]);

    expect(limits.map(({ label }) => label)).toEqual(["inlet critical", "outlet critical"]);
    expect(bands).toEqual([]);
  });

  it("is nothing where no line has thresholds", () => {
    expect(limitsOf([line("t")])).toEqual({ limits: [], bands: [] });
  });
});

describe("concernOf", () => {
  it.each([
    [-3, { concern: "critical", mark: "▼", text: "below the critical limit" }],
    [0, { concern: "critical", mark: "▼", text: "below the critical limit" }],
    [3, { concern: "warning", mark: "▽", text: "below the warning limit" }],
    [20, null],
    [28, { concern: "warning", mark: "△", text: "above the warning limit" }],
    [40, { concern: "critical", mark: "▲", text: "above the critical limit" }],
  ])("says of %d: %o", (value, found) => {
    expect(concernOf(value, all)).toEqual(found);
  });

  it("is content without thresholds", () => {
    expect(concernOf(1e9, NO_THRESHOLDS)).toBeNull();
  });
});
