import { expect, it } from "vitest";
import type { AlertDetail } from "../src/live/alertRest";
import { alertFilterOf, alertsNow, queryOf } from "../src/ui/alerts/alertFilter";

const FIRING = alertFilterOf({});

function alert(id: number, more: Partial<AlertDetail> = {}): AlertDetail {
  const plain = { id, rule: 1, name: "Hot", severity: "warning", device: "a", metric: "t", state: "firing" };
  return { ...plain, opened: id, ...more } as AlertDetail;
}

it.each([
  [{}, { state: "firing", severity: null, device: null, rule: null }],
  [
    { state: "all", severity: "critical", device: "a", rule: "3" },
    { state: "all", severity: "critical", device: "a", rule: 3 },
  ],
  [{ state: "burning", severity: "dire", rule: "new" }, { ...FIRING }],
] as const)("reads %j from a link", (query, filter) => {
  expect(alertFilterOf(query)).toEqual(filter);
});

it("writes what it reads", () => {
  for (const query of [{}, { state: "all", severity: "critical", device: "a", rule: "3" }]) {
    expect(queryOf(alertFilterOf(query))).toEqual(query);
  }
});

it("shows what was loaded as it is by now, with what has come since", () => {
  const loaded = [alert(3), alert(2), alert(1)];
  const live = [alert(4), alert(2, { state: "resolved" }), alert(1, { severity: "critical" })];

  const ids = (change: object, hasOlder = false) =>
    alertsNow(loaded, live, { ...FIRING, ...change }, hasOlder).map(({ id }) => id);

  expect(ids({})).toEqual([4, 3, 1]);
  expect(ids({ state: "all" })).toEqual([4, 3, 2, 1]);
  expect(ids({ state: "resolved" })).toEqual([2]);
  expect(ids({ severity: "critical" })).toEqual([1]);
  expect(ids({ device: "b" })).toEqual([]);
  expect(ids({ rule: 2 })).toEqual([]);
});

it("leaves out what is older than the page that was loaded", () => {
  const shown = alertsNow([alert(9), alert(8)], [alert(10), alert(3)], FIRING, true);

  expect(shown.map(({ id }) => id)).toEqual([10, 9, 8]);
});
