import { describe, expect, it } from "vitest";
import type { DeviceInfo } from "../src/live/rest";
import {
  daysPath,
  metricPath,
  pathOf,
  readDraft,
  settingsSummary,
  type Texts,
  textsOf,
} from "../src/ui/device/settings/settingsDraft";
import { infoOf } from "./devices";

const info: DeviceInfo = infoOf("boiler", {
  name: "Boiler",
  labels: { hall: "North" },
  expected_interval_s: 5,
  sequence: { highest: null, repeated: 0, repeated_since: null },
  retention: { raw_s: 100_000, minute_s: 0, hour_s: null },
});
const at = (field: string) => metricPath("temperature", field);
const faultsOf = (edits: Texts) => readDraft(info, edits).faults;

describe("textsOf", () => {
  it("shows a device as people would write it", () => {
    expect(textsOf(info)).toMatchObject({
      name: "Boiler",
      labels: "hall=North",
      expected_interval_s: "5",
      "retention.raw_s": "days",
      [daysPath("raw_s")]: "1.1574",
      "retention.minute_s": "ever",
      "retention.hour_s": "hub",
      [at("unit")]: "°C",
      [at("decimals")]: "",
      [at("critical_high")]: "",
    });
  });
});

describe("read", () => {
  it("asks for nothing where nothing differs", () => {
    expect(readDraft(info, {})).toEqual({ change: {}, faults: {}, changed: [] });
    expect(readDraft(info, { name: "Boiler", [at("unit")]: "°C" }).changed).toEqual([]);
  });

  it("asks for what differs and for nothing else", () => {
    const edits = {
      name: "New",
      expected_interval_s: "",
      [at("decimals")]: "1",
      [at("warning_high")]: "28,5",
    };
    const { change, faults, changed } = readDraft(info, edits);
    expect(faults).toEqual({});
    expect(changed).toEqual(["name", "expected_interval_s", at("decimals"), at("warning_high")]);
    expect(change).toEqual({
      name: "New",
      expected_interval_s: null,
      metrics: [
        {
          name: "temperature",
          decimals: 1,
          thresholds: { critical_low: null, warning_low: null, warning_high: 28.5, critical_high: null },
        },
      ],
    });
  });

  it("leaves exact what was not touched, though days are shown rounded", () => {
    const { change } = readDraft(info, { "retention.hour_s": "ever" });
    expect(change).toEqual({ retention: { raw_s: 100_000, minute_s: 0, hour_s: 0 } });
    expect(readDraft(info, { [daysPath("raw_s")]: "2" }).change.retention?.raw_s).toBe(172_800);
    expect(readDraft(info, { "retention.raw_s": "hub" }).change.retention?.raw_s).toBe(null);
  });

  it("says at each field what cannot be", () => {
    expect(faultsOf({ labels: "hall" })).toHaveProperty("labels");
    expect(faultsOf({ expected_interval_s: "soon" })).toHaveProperty("expected_interval_s");
    expect(faultsOf({ expected_interval_s: "0" })).toHaveProperty("expected_interval_s");
    expect(faultsOf({ [at("decimals")]: "1.5" })).toHaveProperty([at("decimals")]);
    expect(faultsOf({ [at("decimals")]: "7" })).toHaveProperty([at("decimals")]);
    expect(faultsOf({ [at("minimum")]: "5", [at("maximum")]: "1" })).toHaveProperty([at("maximum")]);
    expect(faultsOf({ [daysPath("raw_s")]: "" })).toHaveProperty([daysPath("raw_s")]);
    expect(faultsOf({ [daysPath("raw_s")]: "-1" })).toHaveProperty([daysPath("raw_s")]);
  });

  it("wants thresholds to ascend, and coarser tiers to be kept as long", () => {
    const edits = { [at("warning_low")]: "5", [at("critical_high")]: "5" };
    expect(Object.keys(faultsOf(edits))).toEqual([at("critical_high")]);
    expect(faultsOf({ [at("warning_low")]: "5", [at("critical_high")]: "6" })).toEqual({});
    const shorter = { "retention.hour_s": "days", [daysPath("hour_s")]: "300" };
    expect(Object.keys(faultsOf(shorter))).toEqual([daysPath("hour_s")]);
    expect(faultsOf({ ...shorter, "retention.minute_s": "days", [daysPath("minute_s")]: "300" })).toEqual({});
  });
});

describe("pathOf", () => {
  it("finds the field of what the hub names", () => {
    const { change } = readDraft(info, { [at("decimals")]: "1" });
    expect(pathOf("metrics.0.decimals", change)).toBe(at("decimals"));
    expect(pathOf("metrics.0.thresholds.warning_low", change)).toBe(at("warning_low"));
    expect(pathOf("retention.hour_s", change)).toBe(daysPath("hour_s"));
    expect(pathOf("labels", change)).toBe("labels");
  });
});

describe("summaryOf", () => {
  it("says in a line what is set", () => {
    const [metric] = info.metrics;
    if (!metric) throw new Error("a metric is wanted");
    const thresholds = { critical_low: null, warning_low: 5, warning_high: 28, critical_high: 32 };
    expect(settingsSummary(metric)).toBe("°C");
    expect(settingsSummary({ ...metric, decimals: 1, maximum: 90, thresholds })).toBe(
      "°C · 1 decimal · refused above 90 · warning below 5 or above 28 · critical above 32",
    );
    expect(settingsSummary({ ...metric, type: "text", unit: null })).toBe("text");
  });
});
