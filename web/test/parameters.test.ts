import { describe, expect, it } from "vitest";
import type { KnownMethod, Schema } from "../src/live/deviceRest";
import { fieldsOf, readParameters } from "../src/ui/device/commands/parameters";

const properties: Record<string, Schema> = {
  level: { type: "integer", minimum: 0, maximum: 5, unit: "bar", title: "Level" },
  ratio: { type: "number", exclusiveMinimum: 0, default: 0.5 },
  mode: { enum: ["eco", 2], description: "How" },
  soft: { type: "boolean" },
  note: { type: "string", maxLength: 5 },
  steps: { type: "array" },
};
const method: KnownMethod = {
  name: "set",
  label: "",
  dangerous: false,
  params: { type: "object", properties, required: ["level", "soft"] },
};

function read(typed: Record<string, string>): unknown {
  return readParameters(method, (name) => typed[name] ?? "");
}

describe("the form of a declared command", () => {
  it("has a field for each parameter, with unit, range and choices", () => {
    const fields = fieldsOf(method) ?? [];
    expect(fields.map(({ label, kind, hint }) => [label, kind, hint])).toEqual([
      ["Level, bar", "number", "0 to 5, whole"],
      ["ratio", "number", "over 0"],
      ["mode", "choice", "How"],
      ["soft", "choice", ""],
      ["note", "text", "at most 5 characters"],
      ["steps", "json", ""],
    ]);
    expect(fields.map(({ first }) => first)).toEqual(["", "0.5", "", "", "", ""]);
    expect(fields[2]?.choices).toEqual(["eco", "2"]);
    expect(fields.map(({ isRequired }) => isRequired)).toEqual([true, false, false, true, false, false]);
  });

  it("is JSON where the parameters have no names", () => {
    expect(fieldsOf({ ...method, params: null })).toBeNull();
    expect(fieldsOf({ ...method, params: { type: "number" } })).toBeNull();
  });

  it("reads what was typed as what it is, and leaves out what is empty", () => {
    expect(read({ level: "3", soft: "false" })).toEqual({ level: 3, soft: false });
    const all = { level: "3", ratio: "0,25", mode: "2", soft: "true", note: "hi", steps: "[1]" };
    expect(read(all)).toEqual({ level: 3, ratio: 0.25, mode: 2, soft: true, note: "hi", steps: [1] });
  });

  it.each([
    [{ soft: "true" }, "Level, bar: is missing."],
    [{ level: "3" }, "soft: choose one."],
    [{ level: "high", soft: "true" }, "Level, bar: “high” is no number."],
    [{ level: "3", soft: "true", steps: "[" }, "steps: this is not JSON."],
  ])("says what cannot be read in %j", (typed, why) => {
    expect(() => read(typed)).toThrow(why);
  });
});
