import { expect, it } from "vitest";
import { hashOf, routeOf } from "../src/ui/route";

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
    "#/device/a?from=5&to=500&view=table&first=problems",
    { deviceId: "a", windowS: 60, range: { from: 5, to: 500 }, isProblemsFirst: true, isTable: true },
  ],
  ["#/device/a?from=500&to=5", { deviceId: "a", windowS: 60 }],
  ["#/device/a?from=x&to=500", { deviceId: "a", windowS: 60 }],
  ["#/add?window=15", { deviceId: null, windowS: 15, isAdding: true }],
  ["#/device/a?compare=b,c", { deviceId: "a", windowS: 60, compared: ["b", "c"] }],
  ["#/device/a?compare=b%252Cc,,a,b,d,e,f", { deviceId: "a", windowS: 60, compared: ["b,c", "b", "d"] }],
  ["#/device/a?compare=%25E0%25A4", { deviceId: null, windowS: 60 }],
  ["#/?compare=b", { deviceId: null, windowS: 60 }],
  ["#/device/a?window=17", { deviceId: "a", windowS: 60 }],
])("reads %j", (hash, route) => {
  expect(routeOf(hash)).toEqual({
    isAdding: false,
    section: "readings",
    range: null,
    isProblemsFirst: false,
    isTable: false,
    compared: [],
    ...route,
  });
});

it("writes what it reads", () => {
  for (const route of [
    {
      deviceId: null,
      section: "readings",
      windowS: 60,
      isAdding: false,
      range: null,
      isProblemsFirst: true,
      isTable: true,
      compared: [],
    },
    {
      deviceId: null,
      section: "readings",
      windowS: 15,
      isAdding: true,
      range: null,
      isProblemsFirst: false,
      isTable: false,
      compared: [],
    },
    {
      deviceId: "hall/1?#%",
      section: "settings",
      windowS: 15,
      isAdding: false,
      range: { from: 1, to: 99 },
      isProblemsFirst: false,
      isTable: false,
      compared: ["b", "c,d"],
    },
  ] as const) {
    expect(routeOf(hashOf(route))).toEqual(route);
  }
});
