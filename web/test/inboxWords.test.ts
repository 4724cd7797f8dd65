import { describe, expect, it } from "vitest";
import type { InboxEntry } from "../src/live/note";
import { placeOf, senderOf } from "../src/ui/inboxWords";
import { hashOf, routeOf } from "../src/ui/route";

const MENTION: InboxEntry = {
  id: 1,
  kind: "mention",
  by: "ada",
  text: "@bob look",
  made_at: 1_795_170_100_000,
  device: "boiler 1",
  at: null,
};
const ALERT: InboxEntry = { ...MENTION, kind: "alert", by: "", at: 1_795_170_094_504.5 };

describe("an entry of the inbox", () => {
  it.each([
    [MENTION, "ada"],
    [{ ...MENTION, kind: "message" } as const, "ada"],
    [ALERT, "Alert"],
    [{ ...ALERT, by: "ada" }, "Alert, by ada"],
  ])("says who it is from", (entry, said) => {
    expect(senderOf(entry)).toBe(said);
  });

  it("of an alert leads to the device at that moment, from whatever is open", () => {
    for (const open of ["#/", "#/wall", "#/alerts?state=all", "#/people", "#/device/x?compare=y&window=15"]) {
      const place = routeOf(hashOf(placeOf(ALERT, routeOf(open))));
      expect([place.deviceId, place.section, place.compared]).toEqual(["boiler 1", "readings", []]);
      expect(place.range).toEqual({ from: 1_795_169_194_505, to: 1_795_170_994_505 });
    }
  });

  it("of a mention leads to the notes of its device", () => {
    expect(hashOf(placeOf(MENTION, routeOf("#/wall")))).toBe("#/device/boiler%201/notes");
  });
});
