import { describe, expect, it } from "vitest";
import { draftOf, grantOf, NEW_GRANT } from "../src/ui/access/grantDraft";
import { grantWords } from "../src/ui/access/grantWords";

const SOME = { ...NEW_GRANT, role: "operator", isWholeHub: false } as const;

describe("a grant as it is typed", () => {
  it("comes back as it was", () => {
    for (const grant of [
      { role: "manager", scope: { devices: ["a", "b c"], labels: ["site=north", "k=v=w"] } },
      { role: "viewer", scope: null },
    ] as const) {
      expect(grantOf(draftOf(grant))).toEqual(grant);
    }
  });

  it("has ids and labels one a line, each once, with nothing around them", () => {
    const draft = { ...SOME, devices: " a \n\nb\na", labels: "site=north\n  kind=pump " };
    expect(grantOf(draft).scope).toEqual({ devices: ["a", "b"], labels: ["site=north", "kind=pump"] });
  });

  it("of an admin is always of the whole hub", () => {
    expect(grantOf({ ...SOME, role: "admin", devices: "a" }).scope).toBe(null);
  });

  it.each(["north", "=north", "site"])("does not take %j for a label", (labels) => {
    expect(() => grantOf({ ...SOME, labels })).toThrow(`“${labels}” is not`);
  });

  it("names something, or the whole hub", () => {
    expect(() => grantOf({ ...SOME, labels: "\n " })).toThrow("choose the whole hub");
  });
});

it.each([
  [{ role: "viewer", scope: null }, "viewer of the whole hub"],
  [{ role: "operator", scope: { devices: ["a"], labels: [] } }, "operator of a"],
  [
    { role: "manager", scope: { devices: ["a", "b"], labels: ["site=north"] } },
    "manager of a, b and what has site=north",
  ],
  [{ role: "manager", scope: { devices: ["a", "b", "c", "d", "e"], labels: [] } }, "manager of 5 devices"],
] as const)("says %j as people do", (grant, words) => {
  expect(grantWords(grant)).toBe(words);
});
