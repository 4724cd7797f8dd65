import { expect, it } from "vitest";
import { type KeyValueStore, Preferences } from "../src/ui/preferences";

const DEFAULTS = { density: "comfortable", locale: null, hours: "24", zone: "local" };

function keeping(kept: string | null): KeyValueStore & { kept: string | null } {
  return {
    kept,
    getItem() {
      return this.kept;
    },
    setItem(_key, text) {
      this.kept = text;
    },
  };
}

it("keeps what was chosen for the next visit", () => {
  const store = keeping(null);
  new Preferences(store).choose({ density: "compact", locale: "de-DE" });

  expect(new Preferences(store).choices.value).toEqual({ ...DEFAULTS, density: "compact", locale: "de-DE" });
});

it.each([null, "{", "3", '{"density":"tiny","locale":"not a tag!","hours":12,"zone":null}'])(
  "takes of %j what makes sense",
  (kept) => {
    expect(new Preferences(keeping(kept)).choices.value).toEqual(DEFAULTS);
  },
);

it("has the choice for as long as the page is open where the browser keeps nothing", () => {
  const preferences = new Preferences({
    getItem: () => {
      throw new Error("forbidden");
    },
    setItem: () => {
      throw new Error("forbidden");
    },
  });
  preferences.choose({ zone: "utc" });

  expect(preferences.choices.value.zone).toBe("utc");
});
