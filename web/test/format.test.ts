import { afterEach, describe, expect, it } from "vitest";
import {
  age,
  clockTime,
  count,
  dayOf,
  delay,
  moment,
  momentToTheMillisecond,
  plainNumber,
  stretch,
  ValueFormatter,
} from "../src/paint/format";
import { setLocale } from "../src/paint/locale";

describe("Figures", () => {
  it("keeps the decimals it once needed, so that numbers do not jump", () => {
    const figures = new ValueFormatter();

    expect([20, 20.5, 20.53, 20.5, 21].map((value) => figures.number(value))).toEqual([
      "20",
      "20.5",
      "20.53",
      "20.50",
      "21.00",
    ]);
  });

  it("shows fewer decimals of large numbers and more of small ones", () => {
    const shown = [0.123456, 1.23456, 123.456, 1234.56, 123456.7].map((value) =>
      new ValueFormatter().number(value),
    );

    expect(shown).toEqual(["0.1235", "1.235", "123.46", "1,234.6", "123,457"]);
  });

  it("shortens millions with the prefix on the unit", () => {
    expect(new ValueFormatter().value(1_234_567_890, "B/s")).toBe("1.23 GB/s");
    expect(new ValueFormatter().value(5_000_000, null)).toBe("5.00 M");
  });

  it("writes what has no size worth a prefix in powers of ten", () => {
    expect(new ValueFormatter().number(1.5e-9)).toBe("1.5E-9");
    expect(new ValueFormatter().number(0)).toBe("0");
  });

  it("has no negative zero", () => {
    const figures = new ValueFormatter();
    figures.number(0.01);

    expect(figures.number(-0.0)).toBe("0.00");
  });

  it("writes texts and truth values as they are", () => {
    expect(new ValueFormatter().value("auto", "°C")).toBe("auto");
    expect(new ValueFormatter().value(false, null)).toBe("false");
  });
});

it("says an age in one unit", () => {
  expect([0, 1_999, 39_500, 300_000, 7_200_000, 200_000_000].map(age)).toEqual([
    "now",
    "now",
    "39 s ago",
    "5 min ago",
    "2 h ago",
    "2 d ago",
  ]);
});

it("says a delay finely where it is short", () => {
  expect([12.4, 999, 1_240, 65_000].map(delay)).toEqual(["12 ms", "999 ms", "1.2 s", "1 min"]);
});

describe("decimals that operators set", () => {
  it("are kept whatever the size of the number", () => {
    const figures = new ValueFormatter(1);
    expect(figures.value(20.5432, "°C")).toBe("20.5 °C");
    expect(figures.number(1_234_567)).toBe("1,234,567.0");
    expect(figures.number(0.00001)).toBe("0.0");
    expect(figures.decimals).toBe(1);
    expect(new ValueFormatter(6).number(0.1234567)).toBe("0.123457");
    expect(new ValueFormatter(0).number(-0.2)).toBe("0");
  });
});

describe("whose way numbers and times are written", () => {
  const AT = Date.UTC(2026, 10, 20, 22, 4, 9, 50);
  afterEach(() => setLocale({ locale: null, hours: "24", zone: "local" }));

  it("follows the locale", () => {
    setLocale({ locale: "de-DE", hours: "24", zone: "utc" });

    expect(new ValueFormatter(1).value(1_234.5, "°C")).toBe("1.234,5 °C");
    expect(count(12_345)).toBe("12.345");
    expect(plainNumber(0.25)).toBe("0,25");
    expect(dayOf(AT)).toBe("20. Nov.");
  });

  it("has 24 hours or 12", () => {
    setLocale({ locale: "en-GB", hours: "24", zone: "utc" });
    expect(clockTime(AT)).toBe("22:04:09");
    setLocale({ locale: "en-GB", hours: "12", zone: "utc" });
    expect(clockTime(AT)).toBe("10:04:09 pm");
    expect(momentToTheMillisecond(AT)).toBe("20 Nov 2026, 10:04:09.050 pm UTC");
  });

  it("says UTC where times are", () => {
    setLocale({ locale: "en-GB", hours: "24", zone: "utc" });

    expect(moment(AT)).toBe("20 Nov 2026, 22:04:09 UTC");
    expect(stretch(AT, AT + 60_000)).toMatch(/UTC$/);
  });
});
