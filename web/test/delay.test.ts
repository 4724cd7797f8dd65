import { expect, it } from "vitest";
import { DelayMeter } from "../src/live/delay";

it("tells the median since last asked, unmoved by one wrong clock", () => {
  const meter = new DelayMeter();
  meter.add(990, 1000);
  meter.add(980, 1000);
  meter.add(-5_000_000, 1000);

  expect(meter.take()).toBe(20);
  expect(meter.take()).toBeNull();
});

it("takes a clock that runs ahead as no delay", () => {
  const meter = new DelayMeter();
  meter.add(2000, 1000);

  expect(meter.take()).toBe(0);
});
