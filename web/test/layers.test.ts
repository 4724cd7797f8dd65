import { beforeEach, describe, expect, it } from "vitest";
import { drawLonely, drawShapes, type Frame, shadeGaps } from "../src/paint/layers";
import { drawLimits, shadeBands } from "../src/paint/limitLayer";
import { fillSpread } from "../src/paint/spread";

/** What was drawn: a name and where, in whole pixels. */
let drawn: string[];

/** 100 wide and 100 high at the origin; a time is its x, and a value counts from the bottom. */
let frame: Frame;

function recording(): CanvasRenderingContext2D {
  const told =
    (name: string) =>
    (...places: unknown[]): void => {
      drawn.push([name, ...places.map((one) => (typeof one === "number" ? Math.round(one) : one))].join(" "));
    };
  const quiet = () => {};
  const context: Record<string, unknown> = { save: quiet, restore: quiet, setLineDash: quiet };
  for (const name of ["fillRect", "moveTo", "lineTo", "fillText", "arc"]) context[name] = told(name);
  for (const name of ["beginPath", "fill", "stroke", "strokeText", "closePath"]) context[name] = quiet;
  return context as unknown as CanvasRenderingContext2D;
}

beforeEach(() => {
  drawn = [];
  const x = (time: number) => time;
  const y = (value: number) => 100 - value;
  frame = { context: recording(), left: 0, top: 0, width: 100, height: 100, ratio: 1, x, y };
});

function stretch(...points: [number, number][]) {
  const times = Float64Array.from(points, ([time]) => time);
  return { times, values: Float64Array.from(points, ([, value]) => value), counts: null };
}

const colours = { warning: "orange", critical: "red" };

it("shades gaps within the chart only", () => {
  const gaps: [number, number][] = [
    [-50, 10],
    [40, 60],
    [90, 200],
    [200, 300],
  ];
  shadeGaps(frame, gaps, "grey");

  expect(drawn).toEqual(["fillRect 0 0 10 100", "fillRect 40 0 20 100", "fillRect 90 0 10 100"]);
});

it("shades bands from their limit to the edge, and none that is out of sight", () => {
  shadeBands(
    frame,
    [
      { from: 80, to: Number.POSITIVE_INFINITY, concern: "critical" },
      { from: 60, to: 80, concern: "warning" },
      { from: Number.NEGATIVE_INFINITY, to: -20, concern: "critical" },
    ],
    colours,
  );

  expect(drawn).toEqual(["fillRect 0 0 100 20", "fillRect 0 20 100 20"]);
});

describe("drawLimits", () => {
  const limit = (value: number, isHigh: boolean, label: string) =>
    ({ value, isHigh, label, concern: "warning" }) as const;
  const labels = () => drawn.filter((one) => one.startsWith("fillText"));

  it("labels a limit on the side of what it is of, inside the chart", () => {
    drawLimits(
      frame,
      [limit(60, true, "high"), limit(20, false, "low"), limit(99, true, "top")],
      colours,
      "",
    );

    expect(labels()).toEqual(["fillText high 6 36", "fillText low 6 90", "fillText top 6 11"]);
  });

  it("leaves out a label that would cover another, and limits out of sight", () => {
    drawLimits(
      frame,
      [limit(60, true, "one"), limit(62, true, "other"), limit(140, true, "far")],
      colours,
      "",
    );

    expect(labels()).toEqual(["fillText one 6 36"]);
    expect(drawn.filter((one) => one.startsWith("moveTo"))).toEqual(["moveTo 0 40", "moveTo 0 38"]);
  });
});

describe("fillSpread", () => {
  it("goes along the greatest and back along the least, in a piece between gaps", () => {
    const times = Float64Array.from([10, 20, 50, 60]);
    const low = Float64Array.from([1, 2, 3, 4]);
    const high = Float64Array.from([11, 12, 13, 14]);

    fillSpread(frame, times, { low, high }, [[20, 50]], "blue");

    expect(drawn).toEqual([
      ...["lineTo 10 89", "lineTo 20 88", "lineTo 20 98", "lineTo 10 99"],
      ...["lineTo 50 87", "lineTo 60 86", "lineTo 60 96", "lineTo 50 97"],
    ]);
  });

  it("shows a bucket that has no neighbour", () => {
    const one = Float64Array.from([30]);

    fillSpread(frame, one, { low: Float64Array.from([5]), high: Float64Array.from([50]) }, [], "blue");

    expect(drawn).toEqual(["lineTo 29 50", "lineTo 31 50", "lineTo 31 95", "lineTo 29 95"]);
  });
});

it("marks readings that no line joins: at both ends and between two gaps", () => {
  const points = stretch([10, 1], [40, 2], [70, 3], [80, 4]);
  drawLonely(
    frame,
    points,
    [
      [10, 40],
      [40, 70],
    ],
    "blue",
  );

  expect(drawn.map((one) => one.split(" ").slice(0, 3).join(" "))).toEqual(["arc 10 99", "arc 40 98"]);
});

it("keeps the shapes of a line with their moments while the window moves on", () => {
  const points = Array.from({ length: 400 }, (_, i): [number, number] => [i * 1000, 50]);
  const shapesFrom = (start: number) => {
    drawn = [];
    const x = (time: number) => (time - start) / 1000;
    drawShapes({ ...frame, x, width: 400 }, stretch(...points), 0, "blue", "white");
    return drawn
      .filter((one) => one.startsWith("arc"))
      .map((one) => Number(one.split(" ")[1]) * 1000 + start)
      .filter((time) => time < 399_000);
  };

  expect(shapesFrom(0)).toEqual([0, 120_000, 240_000, 360_000]);
  expect(shapesFrom(50_000)).toEqual([120_000, 240_000, 360_000]);
});
