import { expect, it } from "vitest";
import { Alerts } from "../src/live/alerts";

const AT = 1_795_000_000_000;
const alert = (id: number, name: string, state = "firing") => ({ id, name, device: "a", state, opened: AT });

it("has the newest first and counts those that nobody looked at", () => {
  const alerts = new Alerts();
  alerts.take([alert(1, "one")], AT);
  alerts.take([alert(2, "two"), alert(3, "three")], AT);

  expect(alerts.list.value.map((one) => one.title)).toEqual(["three", "two", "one"]);
  expect(alerts.unseen.value).toBe(3);
  alerts.seen();
  expect(alerts.unseen.value).toBe(0);
});

it("shows a change of an alert in its place, and counts it once", () => {
  const alerts = new Alerts();
  alerts.take([alert(1, "one"), alert(2, "two"), alert(1, "one", "resolved")], AT);

  expect(alerts.list.value.map((one) => [one.title, one.state])).toEqual([
    ["two", "firing"],
    ["one", "resolved"],
  ]);
  expect(alerts.unseen.value).toBe(2);
});

it.each([{ acknowledged: { by: "ada" } }, { silenced: { by: "ada" } }])(
  "does not count one that it hears of because of %j",
  (done) => {
    const alerts = new Alerts();
    alerts.take([{ ...alert(1, "one", "resolved"), ...done }], AT);

    expect([alerts.list.value.length, alerts.unseen.value]).toEqual([1, 0]);
  },
);

it("begins with all that fire, also after a while without connection", () => {
  const alerts = new Alerts();
  alerts.begin([alert(1, "one"), alert(2, "two")], AT);
  alerts.seen();
  alerts.take([alert(1, "one", "resolved")], AT);
  alerts.begin([alert(3, "three")], AT);

  expect(alerts.list.value.map((one) => one.title)).toEqual(["three", "one"]);
  expect(alerts.unseen.value).toBe(1);
});

it.each([
  [
    { id: 7, device: "a", severity: "critical", name: "Too hot", opened: AT - 5, state: "firing" },
    { id: 7, deviceId: "a", severity: "critical", title: "Too hot", time: AT - 5, state: "firing" },
  ],
  [
    { name: 3, opened: "soon", severity: "dire" },
    { id: null, deviceId: "", severity: "info", title: "Alert", time: AT, state: null },
  ],
  [null, { id: null, deviceId: "", severity: "info", title: "Alert", time: AT, state: null }],
])("reads %j as far as it goes", (told, expected) => {
  const alerts = new Alerts();
  alerts.take([told], AT);

  expect(alerts.list.value).toMatchObject([expected]);
});

it("keeps so many and no more", () => {
  const alerts = new Alerts();
  for (let number = 0; number < 300; number++) alerts.take([alert(number, `${number}`)], AT);

  expect(alerts.list.value.length).toBe(200);
  expect(alerts.list.value[0]?.title).toBe("299");
});
