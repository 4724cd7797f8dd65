import { expect, it } from "vitest";
import { ruleWords } from "../src/ui/alerts/ruleWords";

it.each([
  [{ above: 90, clear_below: 85, for_s: 30 }, "t above 90 for 30 s, over below 85"],
  [{ below: 5, clear_above: 6 }, "t below 5, over above 6"],
  [{ outside: [1, 5], clear_inside: [2, 4] }, "t outside 1–5, over inside 2–4"],
  [{ is: "jammed", for_s: 120 }, 't is "jammed" for 2 min'],
  [{ is_not: true }, "t is not true"],
  [{ rising_s: { by: 5, within_s: 90 } }, "t rises by 5 within 90 s"],
  [{ falling_s: { by: 5, within_s: 3600 } }, "t falls by 5 within 1 h"],
  [{ silent_s: "expected" }, "t is silent for longer than expected"],
  [{ silent_s: 86_400 }, "t is silent for 1 d"],
  [{ flat_s: 60, epsilon: 0.5 }, "t does not change by more than 0.5 for 1 min"],
  [
    { differs: { metric: "u", device: "b", by: 2 }, for_s: 1 },
    "t differs from u of b by more than 2 for 1 s",
  ],
  [{ count: { above: 9, times: 3, within_s: 60 } }, "t above 9 3 times within 1 min"],
])("says %j", (when, words) => {
  expect(ruleWords({ metric: "t", when })).toBe(words);
});

it("says of a presence what the device is", () => {
  expect(ruleWords({ metric: null, when: { presence: "stale", for_s: 60 } })).toBe(
    "the device is stale for 1 min",
  );
});
