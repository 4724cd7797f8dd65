import { describe, expect, it } from "vitest";
import { isDangerous } from "../src/ui/device/commands/danger";

describe("isDangerous", () => {
  it.each(["reboot", "factory-reset", "setPowerOff", "ERASE_ALL", "valve.open", "otaUpdate"])(
    "asks before %s",
    (method) => expect(isDangerous(method)).toBe(true),
  );

  it.each(["set_level", "blink", "read", "setOffset", "resettle", "offline_report", ""])(
    "does not ask before %s",
    (method) => expect(isDangerous(method)).toBe(false),
  );
});
