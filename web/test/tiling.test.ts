import { expect, it } from "vitest";
import { tilingOf } from "../src/ui/wall/tiling";

it.each([
  [1, 1920, 1000, { columns: 1, rows: 1, pages: 1 }],
  [3, 1920, 1000, { columns: 2, rows: 2, pages: 1 }],
  [26, 1920, 1000, { columns: 6, rows: 5, pages: 1 }],
  [5000, 1920, 1000, { columns: 8, rows: 7, pages: 90 }],
  [3, 390, 780, { columns: 1, rows: 3, pages: 1 }],
  [9, 390, 780, { columns: 1, rows: 5, pages: 2 }],
  [4, 100, 50, { columns: 1, rows: 1, pages: 4 }],
  [0, 1920, 1000, { columns: 1, rows: 1, pages: 1 }],
])("%i devices on %i × %i", (count, width, height, tiling) => {
  expect(tilingOf(count, width, height)).toEqual(tiling);
});
