import { describe, expect, it } from "vitest";
import { Fleet } from "../src/live/fleet";
import { infoOf } from "./devices";

function ids(fleet: Fleet): string[] {
  return [...fleet.listed()].map((device) => device.id);
}

describe("Fleet", () => {
  it("keeps values that come before the description, and lists the device after it", () => {
    const fleet = new Fleet();
    const unknown = fleet.overview(
      { a: { presence: "online", since: 5, snapshot: { temperature: [100, 20.5] } } },
      200,
      true,
    );
    expect(unknown).toEqual(["a"]);
    expect(ids(fleet)).toEqual([]);

    fleet.describeAll([infoOf("a", { presence: "never_seen" })]);

    expect(ids(fleet)).toEqual(["a"]);
    expect(fleet.get("a")?.latest.get("temperature")).toEqual([100, 20.5]);
    expect(fleet.get("a")?.presence).toBe("online");
  });

  it("takes presence from the description while nothing came live", () => {
    const fleet = new Fleet();

    fleet.describeAll([infoOf("a", { presence: "offline", since: 7, last_seen: 6 })]);

    expect(fleet.get("a")).toMatchObject({ presence: "offline", since: 7, lastSeen: 6 });
  });

  it("changes only what a later overview names", () => {
    const fleet = new Fleet();
    fleet.describeAll([infoOf("a"), infoOf("b")]);
    fleet.overview(
      {
        a: { presence: "online", since: 1, snapshot: { temperature: [1, 1], humidity: [1, 50] } },
        b: { presence: "online", since: 1, snapshot: { temperature: [1, 2] } },
      },
      10,
      true,
    );

    fleet.overview({ a: { snapshot: { temperature: [2, 3] } } }, 20, false);

    expect(fleet.get("a")?.latest.get("temperature")).toEqual([2, 3]);
    expect(fleet.get("a")?.latest.get("humidity")).toEqual([1, 50]);
    expect(fleet.get("a")?.presence).toBe("online");
    expect(fleet.get("a")?.lastSeen).toBe(20);
    expect(fleet.get("b")?.lastSeen).toBe(1);
  });

  it("does not go back to an older value", () => {
    const fleet = new Fleet();
    fleet.overview({ a: { snapshot: { t: [200, 2] } } }, 200, true);

    fleet.overview({ a: { snapshot: { t: [100, 1] } } }, 210, false);

    expect(fleet.get("a")?.latest.get("t")).toEqual([200, 2]);
  });

  it("names devices with a metric their description lacks", () => {
    const fleet = new Fleet();
    fleet.describeAll([infoOf("a"), infoOf("b")]);

    const unknown = fleet.overview(
      { a: { snapshot: { temperature: [1, 1] } }, b: { snapshot: { pressure: [1, 1] } } },
      2,
      false,
    );

    expect(unknown).toEqual(["b"]);
  });

  it("drops a removed device, told live or missing from the whole", () => {
    const fleet = new Fleet();
    fleet.describeAll([infoOf("a"), infoOf("b"), infoOf("c")]);

    fleet.overview({ a: null }, 1, false);
    expect(ids(fleet)).toEqual(["b", "c"]);

    fleet.overview({ c: { presence: "online" } }, 2, true);
    expect(ids(fleet)).toEqual(["c"]);

    fleet.describeAll([infoOf("d")]);
    expect(ids(fleet)).toEqual(["d"]);
  });

  it("tells the list of presence, not of values", () => {
    const fleet = new Fleet();
    fleet.describeAll([infoOf("a")]);
    const before = fleet.structure.value;

    fleet.overview({ a: { snapshot: { temperature: [1, 1] } } }, 1, false);
    expect(fleet.structure.value).toBe(before);

    fleet.overview({ a: { presence: "stale", since: 3 } }, 2, false);
    expect(fleet.structure.value).toBe(before + 1);
    expect(fleet.count("stale")).toBe(1);
  });

  it("keeps the list it has when loading it again fails", () => {
    const fleet = new Fleet();
    fleet.failed("no answer");
    expect(fleet.phase.value).toEqual({ kind: "failed", reason: "no answer" });

    fleet.loading();
    fleet.describeAll([infoOf("a")]);
    fleet.failed("no answer");

    expect(fleet.phase.value).toEqual({ kind: "ready" });
  });

  it("survives ids and metrics named like what every object has", () => {
    const fleet = new Fleet();
    const overview = JSON.parse('{"__proto__":{"presence":"online","snapshot":{"constructor":[1,2]}}}');

    fleet.overview(overview, 1, true);

    expect(fleet.get("__proto__")?.latest.get("constructor")).toEqual([1, 2]);
  });
});

describe("the hub itself", () => {
  it("is described but in no list, and stays when the list comes anew", () => {
    const fleet = new Fleet();
    fleet.describeAll([infoOf("boiler")]);
    fleet.describe(infoOf("_hub", { counted: false }));
    fleet.describeAll([infoOf("pump")]);
    expect([...fleet.listed()].map((device) => device.id)).toEqual(["pump"]);
    expect(fleet.count()).toBe(1);
    expect(fleet.get("_hub")?.info?.id).toBe("_hub");
  });
});

describe("a device that was removed and added again", () => {
  it("keeps nothing of the one before, and is described anew", () => {
    const fleet = new Fleet();
    fleet.describeAll([infoOf("boiler")]);
    fleet.overview({ boiler: { snapshot: { temperature: [1, 20], old: [1, 1] } } }, 1, false);
    const unknown = fleet.overview(
      { boiler: { snapshot: { temperature: [2, 21] }, presence: "online", since: 2, renewed: true } },
      2,
      false,
    );
    expect(unknown).toEqual(["boiler"]);
    expect([...(fleet.get("boiler")?.latest.keys() ?? [])]).toEqual(["temperature"]);
    expect(fleet.get("boiler")?.info).not.toBe(null);
    expect(fleet.lacksDescription("boiler")).toBe(true);
    fleet.describe(infoOf("boiler"));
    expect(fleet.get("boiler")?.isOutdated).toBe(false);
  });
});

describe("a device whose metric was renamed while the page was away", () => {
  it("does not keep the old name, and is described anew", () => {
    const fleet = new Fleet();
    fleet.describeAll([infoOf("boiler")]);
    fleet.overview({ boiler: { snapshot: { temperature: [1, 20], old: [1, 1] } } }, 1, true);
    expect(fleet.overview({ boiler: { snapshot: { temperature: [1, 20] } } }, 2, true)).toEqual(["boiler"]);
    expect([...(fleet.get("boiler")?.latest.keys() ?? [])]).toEqual(["temperature"]);
    expect(fleet.lacksDescription("boiler")).toBe(true);
  });
});
