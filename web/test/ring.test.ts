import { describe, expect, it } from "vitest";
import { Ring } from "../src/live/ring";

function all(ring: Ring): [number, number][] {
  const { times, values } = ring.window(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  return [...times].map((time, i) => [time, values[i] as number]);
}

function ringOf(most: number, ...points: [number, number][]): Ring {
  const ring = new Ring(most);
  for (const [time, value] of points) ring.push(time, value);
  return ring;
}

describe("Ring", () => {
  it("keeps points in order of time, whatever order they come in", () => {
    const ring = ringOf(10, [10, 1], [30, 3], [20, 2], [5, 0]);

    expect(all(ring)).toEqual([
      [5, 0],
      [10, 1],
      [20, 2],
      [30, 3],
    ]);
  });

  it("keeps one point an instant: repeating one changes nothing", () => {
    const ring = ringOf(10, [10, 1], [20, 2], [10, 1], [20, 2]);

    expect(all(ring)).toEqual([
      [10, 1],
      [20, 2],
    ]);
  });

  it("keeps two readings of one millisecond apart", () => {
    expect(ringOf(10, [10.001, 1], [10.002, 2]).length).toBe(2);
  });

  it("grows to its most and then lets the oldest go, through many turns", () => {
    const most = 700;
    const ring = new Ring(most);
    for (let i = 0; i < 10 * most; i++) {
      ring.push(i, i * 2);
      expect(ring.length).toBe(Math.min(i + 1, most));
      expect(ring.lastTime).toBe(i);
      expect(ring.firstTime).toBe(Math.max(0, i + 1 - most));
    }

    expect(all(ring)).toEqual(Array.from({ length: most }, (_, k) => [9 * most + k, 2 * (9 * most + k)]));
  });

  it("agrees with a sorted map under any order of pushes", () => {
    const most = 300;
    const ring = new Ring(most);
    const model = new Map<number, number>();
    let state = 7;
    for (let i = 0; i < 4000; i++) {
      state = (state * 48271) % 2147483647;
      const time = i + (state % 50);
      ring.push(time, i);
      if (model.size === most && !model.has(time)) {
        const oldest = Math.min(...model.keys());
        if (time < oldest) continue;
        model.delete(oldest);
      }
      model.set(time, i);
    }

    expect(all(ring)).toEqual([...model].sort(([a], [b]) => a - b));
  });

  it("shows a window with the nearest point on either side, for lines cross its edges", () => {
    const ring = ringOf(10, [10, 1], [20, 2], [30, 3], [40, 4], [50, 5]);

    expect([...ring.window(25, 35).times]).toEqual([20, 30, 40]);
    expect([...ring.window(60, 70).times]).toEqual([50]);
    expect([...ring.window(0, 5).times]).toEqual([10]);
  });

  it("tells the newest point as of a time", () => {
    const ring = ringOf(10, [10, 1], [20, 2]);

    expect(ring.before(9)).toBeNull();
    expect(ring.before(10)).toEqual([10, 1]);
    expect(ring.before(15)).toEqual([10, 1]);
    expect(ring.before(99)).toEqual([20, 2]);
  });

  it("merges history below and between what came live, and lets live win", () => {
    const ring = ringOf(100, [30, 3], [50, 5]);

    ring.merge([10, 20, 30, 40], [1, 2, -3, 4]);

    expect(all(ring)).toEqual([
      [10, 1],
      [20, 2],
      [30, 3],
      [40, 4],
      [50, 5],
    ]);
  });

  it("merges more than it holds by keeping the newest", () => {
    const ring = ringOf(300, [1000, 1]);

    ring.merge(
      Array.from({ length: 900 }, (_, i) => i),
      Array.from({ length: 900 }, (_, i) => i),
    );

    expect(ring.length).toBe(300);
    expect(ring.firstTime).toBe(601);
    expect(ring.lastTime).toBe(1000);
    ring.push(1001, 2);
    expect(ring.firstTime).toBe(602);
  });

  it("knows of how many readings each point is, through growing, inserting, turning and merging", () => {
    const most = 600;
    const ring = new Ring(most);
    expect(ring.window(0, 1).counts).toBeNull();
    ring.merge([0, 10, 20], [1, 2, 3], [5, 6, 7]);
    ring.push(15, 4);
    ring.push(20, 9);
    const everything = () => ring.window(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).counts;
    expect([...(everything() ?? [])]).toEqual([5, 6, 1, 1]);

    for (let time = 30; time < 2 * most; time++) ring.push(time, time);
    ring.merge([5000, 6000], [0, 0], [8, 9]);
    ring.merge([7000], [0]);

    expect(ring.length).toBe(most);
    expect([...(everything() ?? [])]).toEqual([...Array(most - 3).fill(1), 8, 9, 1]);
  });

  it("has no first and no last while empty", () => {
    const ring = new Ring(4);

    expect(ring.window(0, 100).times).toHaveLength(0);
    expect(ring.lastTime).toBe(Number.NEGATIVE_INFINITY);
  });
});
