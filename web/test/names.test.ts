import { expect, it } from "vitest";

const SOURCES = import.meta.glob<string>("../src/**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
/** Classes, types and components. */
const DECLARED = /^(?:export )?(?:abstract )?(?:class|interface|type|function) ([A-Z]\w*)/gm;

/** The files that declare each name. */
function declarations(): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const [file, text] of Object.entries(SOURCES)) {
    for (const [, name = ""] of text.matchAll(DECLARED)) {
      files.set(name, [...(files.get(name) ?? []), file]);
    }
  }
  return files;
}

it("gives each class, type and component a name of its own", () => {
  const found = declarations();
  expect(found.size).toBeGreaterThan(200);
  expect([...found].filter(([, files]) => files.length > 1)).toEqual([]);
});
