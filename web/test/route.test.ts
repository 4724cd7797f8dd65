import { describe, expect, it } from "vitest";
import { type ListView, listViewOf, PLAIN_LIST } from "../src/ui/listView";
import { hashOf, routeOf } from "../src/ui/route";

const BUSY: ListView = {
  search: "north pump",
  sort: { key: "value", isDescending: true, metric: "humidity" },
  groupBy: "hall",
  metrics: ["humidity", "a&b"],
};

it.each([
  ["", { deviceId: null, windowS: 60 }],
  ["#/", { deviceId: null, windowS: 60 }],
  ["#/device/boiler-1", { deviceId: "boiler-1", windowS: 60 }],
  ["#/device/boiler-1?window=300", { deviceId: "boiler-1", windowS: 300 }],
  ["#/device/hall%2F1%3F", { deviceId: "hall/1?", windowS: 60 }],
  ["#/device/", { deviceId: null, windowS: 60 }],
  ["#/device/%E0%A4%A", { deviceId: null, windowS: 60 }],
  ["#/device/a/keys?window=15", { deviceId: "a", section: "keys", windowS: 15 }],
  ["#/device/a/nonsense", { deviceId: "a", windowS: 60 }],
  [
    "#/device/a?from=5&to=500&view=table&q=north+pump" +
      "&sort=-value%3Ahumidity&group=hall&metric=humidity&metric=a%26b",
    { deviceId: "a", windowS: 60, range: { from: 5, to: 500 }, list: BUSY, isTable: true },
  ],
  ["#/device/a?from=500&to=5", { deviceId: "a", windowS: 60 }],
  ["#/device/a?from=x&to=500", { deviceId: "a", windowS: 60 }],
  [
    "#/wall?q=north+pump&sort=-value%3Ahumidity&group=hall&metric=humidity&metric=a%26b",
    { deviceId: null, windowS: 60, list: BUSY, isWall: true },
  ],
  ["#/audit?window=15", { deviceId: null, windowS: 15, access: "audit" }],
  [
    "#/alerts?state=all&device=a%26b&rule=3&nonsense=1",
    { alerts: { view: "alerts", query: { state: "all", device: "a&b", rule: "3" } } },
  ],
  ["#/rules?rule=new&severity=", { alerts: { view: "rules", query: { rule: "new" } } }],
  ["#/accounts", { deviceId: null, windowS: 60 }],
  ["#/add?window=15", { deviceId: null, windowS: 15, isAdding: true }],
  ["#/device/a?compare=b,c", { deviceId: "a", windowS: 60, compared: ["b", "c"] }],
  ["#/device/a?compare=b%252Cc,,a,b,d,e,f", { deviceId: "a", windowS: 60, compared: ["b,c", "b", "d"] }],
  ["#/?compare=b", { deviceId: null, windowS: 60 }],
  ["#/device/a?window=17", { deviceId: "a", windowS: 60 }],
])("reads %j", (hash, route) => {
  expect(routeOf(hash)).toEqual({
    isAdding: false,
    deviceId: null,
    windowS: 60,
    isWall: false,
    access: null,
    alerts: null,
    section: "readings",
    range: null,
    list: PLAIN_LIST,
    isTable: false,
    compared: [],
    ...route,
  });
});

describe("a link with one part that is malformed", () => {
  const parts = {
    window: "15",
    from: "5",
    to: "500",
    view: "table",
    compare: "b,c",
    q: "north pump",
    sort: "-value:humidity",
    group: "hall",
    metric: "humidity",
  };
  const linkWith = (change: object, path = "#/device/a/keys") =>
    `${path}?${new URLSearchParams({ ...parts, ...change })}`;
  const whole = routeOf(linkWith({}));

  it.each([
    [{ compare: "b,%E0%A4,c" }, {}],
    [{ compare: "%E0%A4" }, { compared: [] }],
    [{ window: "x" }, { windowS: 60 }],
    [{ from: "x" }, { range: null }],
    [{ to: "" }, { range: null }],
    [{ to: "Infinity" }, { range: null }],
    [{ view: "%" }, { isTable: false }],
    [{ sort: "-%" }, { list: { ...whole.list, sort: PLAIN_LIST.sort } }],
  ])("is read without it: %j", (change, missing) => {
    expect(routeOf(linkWith(change))).toEqual({ ...whole, ...missing });
  });

  it("is read without it in the path too", () => {
    expect(routeOf(linkWith({}, "#/device/a/%E0"))).toEqual({ ...whole, section: "readings" });
    expect(routeOf(linkWith({}, "#/device/%E0/keys"))).toEqual({
      ...whole,
      deviceId: null,
      section: "readings",
      compared: [],
    });
  });

  it("is read to its end where a question mark was not encoded", () => {
    expect(routeOf("#/device/a?q=why?&window=15")).toMatchObject({ windowS: 15, list: { search: "why?" } });
  });
});

it("writes what it reads", () => {
  for (const route of [
    {
      deviceId: null,
      section: "readings",
      windowS: 60,
      isAdding: false,
      isWall: false,
      access: null,
      alerts: null,
      range: null,
      list: BUSY,
      isTable: true,
      compared: [],
    },
    {
      deviceId: null,
      section: "readings",
      windowS: 15,
      isAdding: true,
      isWall: false,
      access: null,
      alerts: null,
      range: null,
      list: PLAIN_LIST,
      isTable: false,
      compared: [],
    },
    {
      deviceId: "hall/1?#%",
      section: "settings",
      windowS: 15,
      isAdding: false,
      isWall: false,
      access: null,
      alerts: null,
      range: { from: 1, to: 99 },
      list: PLAIN_LIST,
      isTable: false,
      compared: ["b", "c,d"],
    },
    { ...routeOf("#/tokens?window=15"), access: "people" },
    routeOf("#/alerts?state=all&severity=critical&device=a%26b"),
  ] as const) {
    expect(routeOf(hashOf(route))).toEqual(route);
  }
});

it("leads from a view of people or alerts to a device, with nothing of that view", () => {
  expect(hashOf({ ...routeOf("#/audit"), deviceId: "a" })).toBe("#/device/a");
  expect(hashOf({ ...routeOf("#/alerts?state=all"), deviceId: "a" })).toBe("#/device/a");
  expect(hashOf({ ...routeOf("#/alerts?state=all"), isWall: true })).toBe("#/wall");
});

it.each([
  ["", {}],
  ["sort=problems", { sort: { key: "problems", isDescending: false, metric: null } }],
  ["sort=-seen:x", { sort: { key: "seen", isDescending: true, metric: null } }],
  ["sort=colour&group=&q=&metric=", {}],
  ["metric=a&metric=b&metric=a&metric=c&metric=d", { metrics: ["a", "b", "c"] }],
])("reads how the list is arranged from %j", (query, view) => {
  expect(listViewOf(new URLSearchParams(query))).toEqual({ ...PLAIN_LIST, ...view });
});

describe("the hub itself", () => {
  it("has a link of its own, and history in it", () => {
    const route = routeOf("#/system?from=1000&to=2000");
    expect(route).toMatchObject({ deviceId: "_hub", section: "readings", range: { from: 1000, to: 2000 } });
    expect(hashOf(route)).toBe("#/system?from=1000&to=2000");
    expect(hashOf({ ...route, deviceId: null, range: null })).toBe("#/");
  });
});
