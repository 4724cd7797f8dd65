import { expect, it } from "vitest";

const SOURCES = import.meta.glob<string>("../src/**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
/** Classes, types and components. */
const DECLARED = /^(?:export )?(?:abstract )?(?:class|interface|type|function) ([A-Z]\w*)/gm;
const IMPORTED = /(?:from |import\()"(\.[^"]+)"/g;
/** An address that begins at the root of the host, where a proxy may have put something else. */
const ABSOLUTE = /["'`]\/(?:api|assets|login)\b/g;
/** What each folder may import of, besides itself; see the map in main.tsx. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  live: [],
  paint: ["live"],
  "ui/parts": ["live", "paint", "styles", "ui"],
  "ui/access": ["live", "paint", "styles", "ui", "ui/parts"],
  "ui/alerts": ["live", "paint", "styles", "ui", "ui/parts", "ui/device"],
  "ui/list": ["live", "paint", "styles", "ui", "ui/parts"],
  "ui/device": ["live", "paint", "styles", "ui", "ui/parts"],
  "ui/wall": ["live", "paint", "styles", "ui", "ui/parts", "ui/list"],
  "ui/system": ["live", "paint", "styles", "ui", "ui/parts", "ui/device"],
};

/** The room of a path below src: its folder, of ui/ with the view's. */
function roomOf(path: string): string {
  const [first = "", second = "", ...rest] = path.split("/");
  return first === "ui" && rest.length > 0 ? `${first}/${second}` : first;
}

it("gives each class, type and component a name of its own", () => {
  const files = new Map<string, string[]>();
  for (const [file, text] of Object.entries(SOURCES)) {
    for (const [, name = ""] of text.matchAll(DECLARED)) files.set(name, [...(files.get(name) ?? []), file]);
  }
  expect(files.size).toBeGreaterThan(200);
  expect([...files].filter(([, found]) => found.length > 1)).toEqual([]);
});

it("imports downwards only", () => {
  const upward: string[] = [];
  for (const [file, text] of Object.entries(SOURCES)) {
    const path = file.slice("../src/".length);
    const room = roomOf(path);
    const allowed = MAY_IMPORT[room];
    if (!allowed) continue;
    for (const [, target = ""] of text.matchAll(IMPORTED)) {
      const other = roomOf(new URL(target, `http://src/${path}`).pathname.slice(1));
      if (other !== room && !allowed.includes(other)) upward.push(`${path} imports ${target}`);
    }
  }
  expect(upward).toEqual([]);
});

it("has no address that begins at the root of the host", () => {
  const found = Object.entries(SOURCES).flatMap(([file, text]) =>
    [...text.matchAll(ABSOLUTE)].map(([address]) => `${file}: ${address}`),
  );
  expect(found).toEqual([]);
});
