import { expect, it } from "vitest";
import type { RuleInfo } from "../src/live/ruleRest";
import { boundsOf, CONDITIONS, fieldAt, NEW_RULE, ruleDraftOf, ruleOf } from "../src/ui/alerts/ruleDraft";

const WHENS = [
  { above: 90, clear_below: 85, for_s: 30 },
  { below: 5, clear_above: 6 },
  { outside: [1, 5], clear_inside: [2, 4], for_s: 1 },
  { is: "jammed" },
  { is_not: true, for_s: 2 },
  { rising_s: { by: 5, within_s: 90 } },
  { falling_s: { by: 5, within_s: 90 } },
  { silent_s: "expected" },
  { flat_s: 60, epsilon: 0.5 },
  { presence: "stale", for_s: 60 },
  { differs: { metric: "u", device: "b", by: 2 } },
  { count: { above: 9, times: 3, within_s: 60 } },
];

it("knows each condition", () => {
  expect(WHENS.map((when) => Object.keys(when)[0])).toEqual(Object.keys(CONDITIONS));
});

it.each(WHENS)("writes what it reads: %j", (when) => {
  const rule = {
    name: "Hot",
    severity: "critical",
    on: { label: "site=north" },
    metric: "presence" in when ? null : "t",
    when,
    schedule: { timezone: "Europe/Berlin", days: ["mon", "tue"], from: "22:00", to: "06:00" },
    depends_on: { device: "gateway" },
    note: "Call",
  };
  const read = ruleDraftOf({ ...rule, id: 1, enabled: true, remind_s: null, by: "ada" } as RuleInfo);

  expect(ruleOf(read)).toEqual(rule);
});

it("leaves to the hub what is no number or not there, and takes a comma", () => {
  expect(ruleOf({ ...NEW_RULE, above: "4,5" }).when).toEqual({ above: 4.5 });
  expect(ruleOf({ ...NEW_RULE, above: "hot" }).when).toEqual({ above: "hot" });
  expect(ruleOf(NEW_RULE).when).toEqual({ above: "" });
});

it.each([
  ["when.above", "above"],
  ["rule.when.above", "above"],
  ["on.device", "on.which"],
  ["schedule.timezone", "timezone"],
  ["name", "name"],
  ["devices", null],
  ["when.nonsense", null],
  [null, null],
])("has what the hub says of %j at its field", (where, field) => {
  expect(fieldAt(where, NEW_RULE)).toBe(field);
});

it("has what the hub says of a pair at the first of the two", () => {
  expect(fieldAt("when.outside", { ...NEW_RULE, when: "outside" })).toBe("outside.0");
});

it("has a line for each bound that is a number", () => {
  expect(boundsOf({ ...NEW_RULE, above: "5" })).toEqual([{ path: "above", value: 5 }]);
  expect(boundsOf({ when: "outside", "outside.0": "x", "outside.1": "7" })).toEqual([
    { path: "outside.1", value: 7 },
  ]);
  expect(boundsOf({ when: "silent_s", silent_s: "5" })).toEqual([]);
});
