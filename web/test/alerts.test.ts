import { expect, it } from "vitest";
import { Alerts } from "../src/live/alerts";

const AT = 1_795_000_000_000;

it("has the newest first and counts those that nobody looked at", () => {
  const alerts = new Alerts();
  alerts.take([{ device: "a", message: "one" }], AT);
  alerts.take(
    [
      { device: "a", message: "two" },
      { device: "b", message: "three" },
    ],
    AT,
  );

  expect(alerts.list.value.map((alert) => alert.title)).toEqual(["three", "two", "one"]);
  expect(alerts.unseen.value).toBe(3);
  alerts.seen();
  expect(alerts.unseen.value).toBe(0);
});

it.each([
  [
    { device: "a", severity: "critical", message: "Too hot", time: AT - 5, state: "firing" },
    { deviceId: "a", severity: "critical", title: "Too hot", time: AT - 5, state: "firing" },
  ],
  [
    { device: "a", severity: "dire", rule: "heat", at: "2026-11-20T10:00:00Z" },
    { deviceId: "a", severity: "info", title: "heat", time: Date.UTC(2026, 10, 20, 10), state: null },
  ],
  [
    { title: 3, time: "soon" },
    { deviceId: "", severity: "info", title: "Alert", time: AT, state: null },
  ],
  [null, { deviceId: "", severity: "info", title: "Alert", time: AT, state: null }],
])("reads %j as far as it goes", (told, alert) => {
  const alerts = new Alerts();
  alerts.take([told], AT);

  expect(alerts.list.value).toEqual([alert]);
});

it("keeps so many and no more", () => {
  const alerts = new Alerts();
  for (let number = 0; number < 300; number++) alerts.take([{ message: `${number}` }], AT);

  expect(alerts.list.value.length).toBe(200);
  expect(alerts.list.value[0]?.title).toBe("299");
});
