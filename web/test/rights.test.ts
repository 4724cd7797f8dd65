import { describe, expect, it } from "vitest";
import { type Allowed, covers, type Grant, type Right, Rights, type Role } from "../src/live/rights";

const VIEWER: Right[] = ["devices:read", "history:read", "live:read", "metrics:scrape"];
const OPERATOR: Right[] = [...VIEWER, "raw:read", "commands:write", "notes:write"];
const MANAGER: Right[] = [...OPERATOR, "devices:write", "keys:write", "rules:write", "import:write"];
const ADMIN: Right[] = [...MANAGER, "people:write", "system:write"];
const roles: Record<Role, Right[]> = {
  viewer: VIEWER,
  operator: OPERATOR,
  manager: MANAGER,
  admin: ADMIN,
};

/** A session with these grants; a token may have fewer rights than they allow. */
function sessionOf(grants: Grant[], rights?: Right[]): Allowed {
  const all = [...new Set(grants.flatMap(({ role }) => (role === "local" ? ADMIN : roles[role])))];
  return { grants, roles, rights: rights ?? all };
}

const NORTH = { id: "pump", labels: { site: "north", kind: "pump" } };
const SOUTH = { id: "fan", labels: { site: "south" } };

describe("Rights", () => {
  it("allow nothing before the session is known", () => {
    const rights = new Rights(null);
    expect([rights.may("devices:read"), rights.mayForAll("devices:read")]).toEqual([false, false]);
    expect([rights.mayFor("devices:read", NORTH), rights.leastRole("keys:write")]).toEqual([false, null]);
  });

  it("of a role without a scope are for all devices", () => {
    const rights = new Rights(sessionOf([{ role: "operator", scope: null }]));
    expect(rights.mayFor("commands:write", SOUTH)).toBe(true);
    expect(rights.mayForAll("metrics:scrape")).toBe(true);
    expect(rights.may("keys:write")).toBe(false);
    expect(rights.mayFor("keys:write", SOUTH)).toBe(false);
  });

  it("add up over grants, each for the devices of its scope", () => {
    const rights = new Rights(
      sessionOf([
        { role: "viewer", scope: null },
        { role: "manager", scope: { devices: [], labels: ["site=north"] } },
      ]),
    );
    expect(rights.may("keys:write")).toBe(true);
    expect(rights.mayFor("keys:write", NORTH)).toBe(true);
    expect(rights.mayFor("keys:write", SOUTH)).toBe(false);
    expect(rights.mayForAll("keys:write")).toBe(false);
    expect(rights.mayForLabel("keys:write", "site=north")).toBe(true);
    expect(rights.mayForLabel("keys:write", "site=south")).toBe(false);
    expect(rights.mayForAll("metrics:scrape")).toBe(true);
    expect(rights.labelsFor("devices:write")).toEqual(["site=north"]);
    expect(rights.labelsFor("devices:read")).toEqual([]);
  });

  it("are no more than those of a token", () => {
    const rights = new Rights(sessionOf([{ role: "admin", scope: null }], ["devices:read"]));
    expect([rights.mayFor("devices:read", NORTH), rights.mayFor("keys:write", NORTH)]).toEqual([true, false]);
    expect(rights.mayForAll("people:write")).toBe(false);
  });

  it.each([
    ["raw:read", "operator"],
    ["keys:write", "manager"],
    ["people:write", "admin"],
    ["devices:read", "viewer"],
  ] as const)("%s begins with the role %s", (right, role) => {
    expect(new Rights(sessionOf([{ role: "viewer", scope: null }])).leastRole(right)).toBe(role);
  });
});

it.each([
  [{ devices: ["pump"], labels: [] }, true, false],
  [{ devices: [], labels: ["site=south"] }, false, true],
  [{ devices: [], labels: ["site=north", "kind=pump"] }, true, false],
  [{ devices: [], labels: ["site=north", "kind=fan"] }, false, false],
  [{ devices: ["fan"], labels: ["kind=pump"] }, true, true],
  [{ devices: [], labels: ["site="] }, false, false],
  [{ devices: [], labels: [] }, false, false],
])("a scope %j covers those named, and those with all labels", (scope, north, south) => {
  expect([covers(scope, NORTH), covers(scope, SOUTH)]).toEqual([north, south]);
});

it("a label's value may hold an equals sign, as the hub reads it", () => {
  expect(covers({ devices: [], labels: ["note=a=b"] }, { id: "x", labels: { note: "a=b" } })).toBe(true);
});
