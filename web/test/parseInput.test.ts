import { expect, test } from "vitest";
import { jsonOf, jsonOrText, numberOf } from "../src/ui/device/parseInput";

const CHANGED = ["9007199254740993", "-9007199254740993", "9007199254740993.0", "1.0000000000000001e16"];

test.each(CHANGED)("the number %s, which the browser would change, is not taken", (number) => {
  for (const text of [number, `[1, ${number}]`, `{"a": {"b": ${number}}}`]) {
    expect(() => jsonOf(text)).toThrow(RangeError);
    expect(() => jsonOrText(text)).toThrow("as a text");
  }
  expect(() => numberOf(number, "Minimum")).toThrow(RangeError);
});

test.each(["9007199254740991", "0.1", "-2.5e3", `"${CHANGED[0]}"`])("%s is taken as it is", (text) => {
  expect(jsonOf(text)).toBe(JSON.parse(text));
  expect(jsonOrText(text)).toBe(JSON.parse(text));
});

test("what is no JSON is a text where that may be, and a fault where it may not", () => {
  expect(jsonOrText("cellar, left")).toBe("cellar, left");
  expect(() => jsonOf("cellar, left")).toThrow(SyntaxError);
});
