import { expect, it } from "vitest";
import { auditWords } from "../src/ui/access/auditWords";

it.each([
  ["POST /api/v1/devices/boiler-1/keys", "added a key of boiler-1"],
  ["DELETE /api/v1/devices/boiler-1/keys/k1x", "revoked the key k1x of boiler-1"],
  ["POST /api/v1/devices", "added a device"],
  ["PATCH /api/v1/devices/hall%2F1", "changed settings of hall/1"],
  ["DELETE /api/v1/devices/a/metrics/flow", "removed flow of a"],
  ["POST /api/v1/session", "logged in"],
  ["POST /login", "logged in by a link"],
  ["POST /below/this/login", "logged in by a link"],
  ["DELETE /below/this/api/v1/operators/ada", "removed ada"],
  ["DELETE /api/v1/devices/%E0%A4%A", "removed %E0%A4%A"],
])("says %s in words", (what, words) => {
  expect(auditWords(what)).toBe(words);
});

it.each([
  ["PUT /api/v1/something/new%20and/odd", "set something new and odd"],
  ["POST /api/v1/rules", "added to rules"],
  ["BREW /api/v1/tea", "BREW /api/v1/tea"],
  ["", ""],
])("says %s as well as it can", (what, words) => {
  expect(auditWords(what)).toBe(words);
});
