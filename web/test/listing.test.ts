import { beforeEach, describe, expect, it } from "vitest";
import { Fleet } from "../src/live/fleet";
import { type MetricInfo, NO_THRESHOLDS } from "../src/live/rest";
import { groupsByLabel, labelKeys, linesOfGroups, listing, metricNames } from "../src/ui/list/listing";
import { PLAIN_LIST, type Sort, sortBy } from "../src/ui/listView";
import { infoOf } from "./devices";

const speed: MetricInfo = {
  name: "speed",
  type: "number",
  unit: "1/min",
  minimum: null,
  maximum: null,
  decimals: null,
  thresholds: NO_THRESHOLDS,
};
let fleet: Fleet;

function found(search: string, sort: Sort = PLAIN_LIST.sort, metrics: string[] = []): string[] {
  return listing(fleet.listed(), { search, sort, metrics }).map((device) => device.id);
}

/** Groups by hall as "North 1 (1 offline): ids". */
function groups(search = "", isProblemsFirst = false): string[] {
  const devices = listing(fleet.listed(), { ...PLAIN_LIST, search });
  return groupsByLabel(devices, "hall", isProblemsFirst).map(({ value, devices, problems }) => {
    const ids = devices.map((device) => device.id).join(" ");
    return `${value}: ${ids}; ${problems.offline} offline, ${problems.stale} stale`;
  });
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

  it("keeps names in order when a device comes, is renamed, or the search is over", () => {
    found("pump");
    fleet.describe(infoOf("p1", { name: "Pump 1" }));
    expect(found("pump")).toEqual(["p1", "p2", "p10"]);
    fleet.describe(infoOf("p1", { name: "Press" }));
    expect(found("")).toEqual(["boiler", "fan", "p1", "p2", "p10"]);
  });

  it("puts what needs looking after first", () => {
    expect(found("", sortBy("problems"))).toEqual(["p2", "fan", "boiler", "p10"]);
    fleet.presence("boiler", "offline", null);
    expect(found("", sortBy("problems"))).toEqual(["boiler", "p2", "fan", "p10"]);
  });

  it("sorts by value, those without one below", () => {
    expect(found("", sortBy("value"))).toEqual(["p2", "p10", "boiler", "fan"]);
  });

  it("sorts by the metric asked for, else by the first that is shown", () => {
    fleet.describe(infoOf("fan", { metrics: [...infoOf("fan").metrics, speed] }));
    fleet.overview({ fan: { snapshot: { speed: [1, 900], temperature: [1, 1] } } }, 1, false);

    expect(found("", sortBy("value", "speed"))[0]).toBe("fan");
    expect(found("", sortBy("value"), ["speed", "temperature"])[0]).toBe("fan");
    expect(found("", sortBy("value"), ["temperature", "speed"])[0]).toBe("p2");
  });

  it("sorts by when a device was last seen", () => {
    fleet.overview({ fan: { snapshot: { speed: [9_000, 1] } } }, 9_000, false);
    fleet.overview({ p2: { snapshot: { temperature: [8_000, 1] } } }, 8_000, false);

    expect(found("", sortBy("seen")).slice(0, 2)).toEqual(["fan", "p2"]);
    expect(found("", { ...sortBy("seen"), isDescending: false }).slice(-2)).toEqual(["p2", "fan"]);
  });

  it("names the metrics of all devices once", () => {
    expect(metricNames(fleet.listed())).toEqual(["temperature"]);
  });
});

describe("groupsOf", () => {
  it("puts devices under the values of a label, those without it last, and counts problems", () => {
    expect(groups()).toEqual([
      "North: boiler p10; 0 offline, 0 stale",
      "South: p2; 1 offline, 0 stale",
      "null: fan; 0 offline, 1 stale",
    ]);
  });

  it("has only groups with a device found", () => {
    expect(groups("pump 10")).toEqual(["North: p10; 0 offline, 0 stale"]);
  });

  it("puts groups with problems first where that is wanted", () => {
    expect(groups("", true).map((group) => group.split(":")[0])).toEqual(["South", "null", "North"]);
  });

  it("makes lines of groups, a closed one its heading only", () => {
    const found = groupsByLabel(listing(fleet.listed(), PLAIN_LIST), "hall", false);

    expect(linesOfGroups(found, new Set(["group:North", "rest"])).map((line) => line.key)).toEqual([
      "group:North",
      "group:South",
      "device:p2",
      "rest",
    ]);
  });

  it("offers the labels that devices carry", () => {
    expect(labelKeys(fleet.listed())).toEqual(["hall"]);
  });
});
