import { describe, expect, it } from "vitest";
import { type MetricInfo, NO_THRESHOLDS } from "../src/live/rest";
import { groupByUnit, type Owner } from "../src/paint/lines";

function metric(name: string, unit: string | null, type: MetricInfo["type"] = "number"): MetricInfo {
  return { name, type, unit, minimum: null, maximum: null, decimals: null, thresholds: NO_THRESHOLDS };
}

function owner(id: string, ...metrics: MetricInfo[]): Owner {
  return { id, name: id.toUpperCase(), metrics };
}

function namesOf(device: Owner, ...others: Owner[]): string[][] {
  return groupByUnit(device, others).map(({ lines }) =>
    lines.map((line) => `${line.deviceId} ${line.metric.name}`),
  );
}

const press = owner(
  "a",
  metric("inlet", "°C"),
  metric("pressure", "bar"),
  metric("mode", null, "text"),
  metric("outlet", "°C"),
  metric("count", null),
  metric("level", null),
);

describe("groupByUnit", () => {
  it("has one chart a unit, one for each number without a unit, and none for a text", () => {
    expect(namesOf(press)).toEqual([["a inlet", "a outlet"], ["a pressure"], ["a count"], ["a level"]]);
  });

  it("draws beside a metric what another device has under the same name and unit", () => {
    const other = owner("b", metric("inlet", "°C"), metric("outlet", "°F"), metric("count", null));

    expect(namesOf(press, other)).toEqual([
      ["a inlet", "a outlet", "b inlet"],
      ["a pressure"],
      ["a count", "b count"],
      ["a level"],
    ]);
  });

  it("says whose a line is only where devices are compared", () => {
    const [alone] = groupByUnit(press, []);
    const [compared] = groupByUnit(press, [owner("b", metric("inlet", "°C"))]);

    expect(alone?.lines.map((line) => line.owner)).toEqual([null, null]);
    expect(compared?.lines.map((line) => line.owner)).toEqual(["A", "A", "B"]);
  });

  it("tells twelve lines of a chart apart by colour and shape together", () => {
    const many = Array.from({ length: 12 }, (_, i) => metric(`m${i}`, "V"));
    const [group] = groupByUnit(owner("a", ...many), []);

    const looks = group?.lines.map(({ colour, shape }) => `${colour} ${(shape ?? 0) % 5}`);

    expect(new Set(looks).size).toBe(12);
  });

  it("leaves a line that is alone without a shape, and gives the next chart other colours", () => {
    const groups = groupByUnit(press, []);

    expect(groups.map(({ lines }) => lines.map(({ colour, shape }) => [colour, shape]))).toEqual([
      [
        [0, 0],
        [1, 1],
      ],
      [[2, null]],
      [[3, null]],
      [[4, null]],
    ]);
  });
});
