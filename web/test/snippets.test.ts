import { describe, expect, it } from "vitest";
import { snippets } from "../src/ui/list/snippets";
import { labelsOf, labelsText } from "../src/ui/parts/labels";

const KEY = "hk_abc_DEF";

describe("snippets", () => {
  it("name the key, the host and MQTT's own port", () => {
    const made = snippets(KEY, { host: "hub.local", url: "http://hub.local:8080", mqttPort: 1884 });

    expect(made.map(({ name }) => name)).toEqual(["mosquitto_pub", "Python", "Arduino / ESP32", "curl"]);
    for (const { text } of made) expect(text).toContain(KEY);
    for (const { text } of made.slice(0, 3)) expect(text).toMatch(/hub\.local\D+1884/);
    expect(made[3]?.text).toContain("http://hub.local:8080/api/v1/telemetry");
  });

  it("leave out what needs MQTT where it is off", () => {
    const made = snippets(KEY, { host: "hub", url: "https://hub", mqttPort: null });

    expect(made.map(({ name }) => name)).toEqual(["curl"]);
  });

  it("write an IPv6 address bare where no port follows it", () => {
    const [first] = snippets(KEY, { host: "[::1]", url: "http://[::1]:8080", mqttPort: 1883 });

    expect(first?.text).toContain("-h ::1 -p 1883");
  });
});

describe("labels", () => {
  it("are read as they are written", () => {
    const labels = { hall: "North", note: "a=b, c" };

    expect(labelsOf(labelsText(labels))).toEqual(labels);
    expect(labelsOf(" hall = North \n\n")).toEqual({ hall: "North" });
    expect(labelsOf("")).toEqual({});
  });

  it("are refused where a part is no pair", () => {
    expect(() => labelsOf("North")).toThrow("hall=North");
    expect(() => labelsOf("=North")).toThrow("hall=North");
  });
});
