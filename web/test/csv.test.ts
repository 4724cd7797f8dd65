import { expect, it } from "vitest";
import { Ring } from "../src/live/ring";
import { columnsOfHistory, columnsOfWindow, csvOf } from "../src/ui/device/readings/csv";

it("writes a line an instant and a column a metric, of the window only", () => {
  const temperature = new Ring(10);
  const humidity = new Ring(10);
  for (const time of [0, 1000, 2000, 3000]) temperature.push(time, 20 + time / 1000);
  humidity.push(1000, 50.5);
  humidity.push(1000.25, 51);
  const rings = new Map([
    ["temperature", temperature],
    ['hum "x", %', humidity],
  ]);

  expect(csvOf(columnsOfWindow(rings, 1000, 2000)).split("\r\n")).toEqual([
    'time,"hum ""x"", %",temperature',
    "1970-01-01T00:00:01.000000Z,50.5,21",
    "1970-01-01T00:00:01.000250Z,51,",
    "1970-01-01T00:00:02.000000Z,,22",
    "",
  ]);
});

it("writes what rows of the past stand for, and readings as they were", () => {
  const means = {
    tier: "minute",
    step: 60_000,
    time: [0, 60_000],
    min: [1, 2],
    avg: [1.5, 2],
    max: [4, 2],
    count: [60, 1],
  };
  const values = [7, 8];
  const readings = {
    tier: "raw",
    step: null,
    time: [500, 60_000],
    min: values,
    avg: values,
    max: values,
    count: null,
  };
  const columns = [
    ...columnsOfHistory("level", "mm", means),
    ...columnsOfHistory("b/level", null, means),
    ...columnsOfHistory("door", "°", readings),
  ];

  expect(csvOf(columns).split("\r\n")).toEqual([
    [
      "time,level min (mm),level mean (mm),level max (mm),level count",
      "b/level min,b/level mean,b/level max,b/level count,door",
    ].join(),
    "1970-01-01T00:00:00.000000Z,1,1.5,4,60,1,1.5,4,60,",
    "1970-01-01T00:00:00.500000Z,,,,,,,,,7",
    "1970-01-01T00:01:00.000000Z,2,2,2,1,2,2,2,1,8",
    "",
  ]);
});
