import { expect, it } from "vitest";
import { Ring } from "../src/live/ring";
import { tableRowsOf } from "../src/ui/device/readings/tableRows";

function ringOf(...points: [number, number][]): Ring {
  const ring = new Ring(1000);
  for (const [time, value] of points) ring.push(time, value);
  return ring;
}

it("has a row an instant, newest first, and nothing where a line was not measured", () => {
  const rows = tableRowsOf([ringOf([0, 1], [10, 2], [20, 3]), undefined, ringOf([10, 7], [30, 8])], 10, 20);

  expect(rows).toEqual([
    { time: 20, values: [3, null, null] },
    { time: 10, values: [2, null, 7] },
  ]);
});

it("keeps to the newest hundred", () => {
  const many = Array.from({ length: 300 }, (_, i): [number, number] => [i, i]);

  const rows = tableRowsOf([ringOf(...many)], 0, 1000);

  expect(rows).toHaveLength(100);
  expect([rows[0]?.time, rows[99]?.time]).toEqual([299, 200]);
});
