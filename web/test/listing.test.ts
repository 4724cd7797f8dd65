import { beforeEach, describe, expect, it } from "vitest";
import { Fleet } from "../src/live/fleet";
import { listing, metricNames, type Sort } from "../src/ui/listing";
import { infoOf } from "./devices";

const BY_NAME: Sort = { key: "name", isDescending: false };
let fleet: Fleet;

function found(
  query: string,
  sort: Sort = BY_NAME,
  metric: string | null = null,
  isProblemsFirst = false,
): string[] {
  return listing(fleet.listed(), query, sort, metric, isProblemsFirst).map((device) => device.id);
}

beforeEach(() => {
  fleet = new Fleet();
  fleet.describeAll([
    infoOf("p10", { name: "Pump 10", labels: { hall: "North" }, presence: "online" }),
    infoOf("p2", { name: "Pump 2", labels: { hall: "South" }, presence: "offline" }),
    infoOf("boiler", { labels: { hall: "North" }, presence: "never_seen" }),
    infoOf("fan", { name: "Fan", presence: "stale", metrics: [] }),
  ]);
  fleet.overview(
    { p10: { snapshot: { temperature: [1, 5] } }, p2: { snapshot: { temperature: [1, 50] } } },
    1,
    false,
  );
});

describe("listing", () => {
  it("sorts names as people count", () => {
    expect(found("")).toEqual(["boiler", "fan", "p2", "p10"]);
  });

  it("finds by name, id, label and presence, every word somewhere", () => {
    expect(found("PUMP")).toEqual(["p2", "p10"]);
    expect(found("boil")).toEqual(["boiler"]);
    expect(found("pump north")).toEqual(["p10"]);
    expect(found("hall=south")).toEqual(["p2"]);
    expect(found("never seen")).toEqual(["boiler"]);
    expect(found("pump nowhere")).toEqual([]);
  });

  it("puts what needs looking after first when sorted by state", () => {
    expect(found("", { key: "state", isDescending: false })).toEqual(["p2", "fan", "boiler", "p10"]);
  });

  it("puts problems first, and what is equally bad in the order asked for", () => {
    fleet.presence("boiler", "offline", null);

    expect(found("", BY_NAME, null, true)).toEqual(["boiler", "p2", "fan", "p10"]);
    expect(found("", { key: "name", isDescending: true }, null, true)).toEqual([
      "p2",
      "boiler",
      "fan",
      "p10",
    ]);
  });

  it("sorts by value, those without one below", () => {
    expect(found("", { key: "value", isDescending: true })).toEqual(["p2", "p10", "boiler", "fan"]);
  });

  it("names the metrics of all devices once", () => {
    expect(metricNames(fleet.listed())).toEqual(["temperature"]);
  });
});
