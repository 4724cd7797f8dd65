import { beforeEach, describe, expect, it } from "vitest";
import type { Reading, Snapshot, Subscribed } from "../src/live/protocol";
import type { History } from "../src/live/rest";
import { DeviceWatch, KEPT_MS } from "../src/live/watch";
import { HeldClock, settled } from "./fakes";

const NOW = 1_000_000;

interface Asked {
  readonly metric: string;
  readonly from: number;
  readonly answer: (...points: [number, number][]) => void;
  readonly fail: () => void;
}

let clock: HeldClock;
let asked: Asked[];
let watch: DeviceWatch;

function historyOf(points: [number, number][]): History {
  const values = points.map(([, value]) => value);
  return {
    tier: "raw",
    step: null,
    time: points.map(([time]) => time),
    min: values,
    max: values,
    avg: values,
    count: null,
  };
}

function subscribed(snapshot: Snapshot, more: Partial<Subscribed> = {}): Subscribed {
  return {
    type: "subscribed",
    channel: "device/a",
    epoch: "e",
    offset: 1,
    recovered: false,
    snapshot,
    ...more,
  };
}

function reads(...readings: Reading[]): void {
  watch.readings({ type: "readings", channel: "device/a", offset: 1, readings });
}

function times(metric = "t"): number[] {
  const ring = watch.rings.get(metric);
  return ring ? [...ring.window(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).times] : [];
}

async function answer(index: number, ...points: [number, number][]): Promise<void> {
  (asked[index] as Asked).answer(...points);
  await settled();
}

beforeEach(() => {
  clock = new HeldClock();
  asked = [];
  watch = new DeviceWatch(
    "a",
    (metric, from) =>
      new Promise((resolve, reject) => {
        asked.push({
          metric,
          from,
          answer: (...points) => resolve(historyOf(points)),
          fail: () => reject(new Error("no answer")),
        });
      }),
    clock,
    () => NOW + clock.now(),
  );
});

describe("DeviceWatch", () => {
  it("holds live readings back until history is in, then has each once and in order", async () => {
    watch.subscribed(subscribed({ t: [NOW - 10, 3] }));
    reads([NOW, { t: 4 }], [NOW + 10, { t: 5 }]);
    expect(times()).toEqual([]);
    expect(watch.latest.get("t")).toEqual([NOW + 10, 5]);

    await answer(0, [NOW - 30, 1], [NOW - 20, 2], [NOW - 10, 3], [NOW, 4]);

    expect(times()).toEqual([NOW - 30, NOW - 20, NOW - 10, NOW, NOW + 10]);
    expect(watch.backfill.value).toBe("done");
    reads([NOW + 20, { t: 6 }]);
    expect(times().at(-1)).toBe(NOW + 20);
  });

  it("keeps no metric that the hub no longer knows, and the points of the others", async () => {
    watch.subscribed(subscribed({ t: [NOW - 10, 1], old: [NOW - 10, 2] }));
    await answer(0, [NOW - 10, 1]);
    await answer(1, [NOW - 10, 2]);
    expect(times("old")).toEqual([NOW - 10]);

    watch.subscribed(subscribed({ t: [NOW, 3], new: [NOW, 4] }, { epoch: "after a restart" }));
    expect(watch.metrics.value).toEqual(["t", "new"]);
    expect([...watch.latest.keys()]).toEqual(["t", "new"]);
    expect([times("t"), times("old")]).toEqual([[NOW - 10], []]);
  });

  it("asks again until history holds what was published just before it subscribed", async () => {
    watch.subscribed(subscribed({ t: [NOW - 10, 3] }));
    await answer(0, [NOW - 30, 1]);
    expect(watch.backfill.value).toBe("loading");

    reads([NOW, { t: 4 }]);
    expect(times()).toEqual([NOW - 30, NOW]);
    await clock.pass(400);
    expect(asked).toHaveLength(2);
    await answer(1, [NOW - 30, 1], [NOW - 20, 2], [NOW - 10, 3]);

    expect(times()).toEqual([NOW - 30, NOW - 20, NOW - 10, NOW]);
    expect(watch.backfill.value).toBe("done");
  });

  it("asks only the metrics that lag behind", async () => {
    watch.subscribed(subscribed({ t: [NOW - 10, 3], u: [NOW - 10, 3], name: [NOW - 10, "x"] }));
    expect(asked.map(({ metric }) => metric)).toEqual(["t", "u"]);
    await answer(0, [NOW - 10, 3]);
    await answer(1);

    await clock.pass(400);

    expect(asked.map(({ metric }) => metric)).toEqual(["t", "u", "u"]);
  });

  it("stops asking after a few tries: a value older than retention never comes", async () => {
    watch.subscribed(subscribed({ t: [NOW - 10, 3] }));
    for (let i = 0; i < 8; i++) {
      await answer(i);
      await clock.pass(400);
    }

    expect(asked).toHaveLength(8);
    expect(watch.backfill.value).toBe("done");
  });

  it("does not wait for a last value older than the window", async () => {
    watch.subscribed(subscribed({ t: [NOW - 3_600_000, 3] }));

    await answer(0);

    expect(watch.backfill.value).toBe("done");
    expect(watch.latest.get("t")).toEqual([NOW - 3_600_000, 3]);
  });

  it("applies what was missed when the hub could replay it, without asking history", async () => {
    watch.subscribed(subscribed({ t: [NOW, 1] }));
    await answer(0, [NOW, 1]);

    watch.subscribed(
      subscribed(
        { t: [NOW + 20, 3] },
        {
          recovered: true,
          readings: [
            [NOW + 10, { t: 2 }],
            [NOW + 20, { t: 3 }],
          ],
        },
      ),
    );

    expect(asked).toHaveLength(1);
    expect(times()).toEqual([NOW, NOW + 10, NOW + 20]);
  });

  it("fills the hole from history, from where it was, when the hub could not replay", async () => {
    watch.subscribed(subscribed({ t: [NOW, 1] }));
    await answer(0, [NOW, 1]);
    await clock.pass(60_000);

    watch.subscribed(subscribed({ t: [NOW + 60_000, 9] }));
    reads([NOW + 60_100, { t: 10 }]);
    expect(asked[1]?.from).toBe(NOW);
    await answer(1, [NOW, 1], [NOW + 30_000, 5], [NOW + 60_000, 9]);

    expect(times()).toEqual([NOW, NOW + 30_000, NOW + 60_000, NOW + 60_100]);
  });

  it("fills from history what a slow page was not sent", async () => {
    watch.subscribed(subscribed({ t: [NOW, 1] }));
    await answer(0, [NOW, 1]);

    watch.readings({
      type: "readings",
      channel: "device/a",
      offset: 50,
      skipped: 2,
      readings: [[NOW + 30, { t: 4 }]],
    });
    expect(watch.skipped).toBe(2);
    await clock.pass(2_000);
    await answer(1, [NOW, 1], [NOW + 10, 2], [NOW + 20, 3], [NOW + 30, 4]);

    expect(times()).toEqual([NOW, NOW + 10, NOW + 20, NOW + 30]);
  });

  it("fills the older hole too when a newer one overtakes the question", async () => {
    watch.subscribed(subscribed({ t: [NOW, 1] }));
    await answer(0, [NOW, 1]);
    const skips = (time: number) =>
      watch.readings({
        type: "readings",
        channel: "device/a",
        offset: 50,
        skipped: 2,
        readings: [[time, { t: 4 }]],
      });
    skips(NOW + 30);
    await clock.pass(2_000);
    skips(NOW + 2_030);
    await clock.pass(2_000);
    await answer(1, [NOW, 1]);
    await answer(2, [NOW + 10, 2], [NOW + 2_030, 4]);

    expect(asked.map(({ from }) => from).slice(1)).toEqual([NOW, NOW]);
    expect(times()).toEqual([NOW, NOW + 10, NOW + 30, NOW + 2_030]);
    skips(NOW + 4_030);
    await clock.pass(2_000);
    expect(asked[3]?.from).toBe(NOW + 2_030);
  });

  it("goes on live when history fails, says so, and fills when asked again", async () => {
    watch.subscribed(subscribed({ t: [NOW, 1] }));
    reads([NOW + 10, { t: 2 }]);
    asked[0]?.fail();
    await settled();
    expect(watch.backfill.value).toBe("failed");
    expect(times()).toEqual([NOW + 10]);

    watch.retry();
    await answer(1, [NOW, 1], [NOW + 10, 2]);

    expect(times()).toEqual([NOW, NOW + 10]);
    expect(watch.backfill.value).toBe("done");
  });

  it("takes nothing more once closed", async () => {
    watch.subscribed(subscribed({ t: [NOW, 1] }));
    watch.close();

    await answer(0, [NOW, 1]);

    expect(times()).toEqual([]);
  });

  it("keeps text and truth values out of the charts", async () => {
    watch.subscribed(subscribed({}));
    await settled();
    reads([NOW, { door: true, mode: "auto", t: 1 }]);

    expect([...watch.rings.keys()]).toEqual(["t"]);
    expect(watch.metrics.value).toEqual(["door", "mode", "t"]);
    expect(watch.latest.get("mode")).toEqual([NOW, "auto"]);
  });

  it("knows since when it holds every reading: the window, until a hole is longer than that", async () => {
    expect(watch.heldFrom).toBe(Number.POSITIVE_INFINITY);
    watch.subscribed(subscribed({ t: [NOW, 1] }));
    await answer(0, [NOW, 1]);
    expect(watch.heldFrom).toBe(NOW - KEPT_MS);

    await clock.pass(60_000);
    watch.subscribed(subscribed({ t: [NOW + 60_000, 9] }));
    await answer(1, [NOW + 60_000, 9]);
    expect(watch.heldFrom).toBe(NOW - KEPT_MS);

    await clock.pass(KEPT_MS + 1_000);
    const later = NOW + 61_000 + KEPT_MS;
    watch.subscribed(subscribed({ t: [later, 9] }));
    await answer(2, [later, 9]);
    expect(watch.heldFrom).toBe(later - KEPT_MS);
  });
});
