import { beforeEach, describe, expect, it } from "vitest";
import { Ring } from "../src/live/ring";
import { summarize } from "../src/paint/gaps";
import { LegendTexts } from "../src/paint/legendTexts";
import { setLocale } from "../src/paint/locale";
import { randomOf } from "./random";

const SIZES: Readonly<Record<string, number>> = { M: 1e6, G: 1e9, T: 1e12 };
const WINDOW_MS = 15_000;
/** The right edge of a live chart is this much behind the newest reading. */
const LAG_MS = 150;

/** The number that a text shows: "1,234.50", "1.23 M", "1.5E-9". */
function shown(text: string): number {
  const [, digits = "", size] = /^(-?[\d,.E-]+)(?: ([TGM]))?$/.exec(text) ?? [];
  return Number(digits.replaceAll(",", "")) * (size ? (SIZES[size] ?? 1) : 1);
}

beforeEach(() => setLocale({ locale: "en-GB", hours: "24", zone: "utc" }));

describe("a legend's texts", () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))("have the value in its bounds, run %i", (seed) => {
    const random = randomOf(seed);
    const ring = new Ring(1000);
    const texts = new LegendTexts(random() < 0.3 ? Math.floor(random() * 4) : null, null);
    const scale = 10 ** (random() * 14 - 6);
    let value = (random() - 0.5) * scale;
    let time = 0;
    let painted = 0;
    for (let step = 0; step < 300; step++) {
      time += random() * 100;
      // Steps, noise and steady rises: each broke it in its own way.
      value += random() < 0.1 ? (random() - 0.5) * scale : random() * scale * 1e-3;
      ring.push(time, value);
      const to = time - LAG_MS;
      if (step % 5 === seed % 5)
        texts.summary = summarize(ring.window(to - WINDOW_MS, to), to - WINDOW_MS, to);
      texts.value = value;
      texts.isInWindow = true;
      const [now, min, mean, max] = texts.write().map(shown);
      expect(now, `step ${step}`).toBeGreaterThanOrEqual(min as number);
      expect(now, `step ${step}`).toBeLessThanOrEqual(max as number);
      expect(mean).not.toBeNaN();
      painted++;
    }
    expect(painted).toBe(300);
  });

  it("are those of the one reading while there is no other", () => {
    const texts = new LegendTexts(null, "°C");
    texts.value = 20.5;
    texts.isInWindow = true;
    expect(texts.write()).toEqual(["20.5 °C", "20.5", "20.5", "20.5"]);
  });

  it("say nothing of the window where the value is older", () => {
    const texts = new LegendTexts(null, "°C");
    texts.value = 20.5;
    expect(texts.write()).toEqual(["20.5 °C", "–", "–", "–"]);
  });

  it("keep a maximum that was shown until the next summary", () => {
    const texts = new LegendTexts(null, null);
    texts.isInWindow = true;
    texts.summary = { min: 1, mean: 2, max: 3 };
    texts.value = 5;
    expect(texts.write()).toEqual(["5", "1", "2", "5"]);
    texts.value = 2;
    expect(texts.write()).toEqual(["2", "1", "2", "5"]);
  });

  it("write text and truth values as they are", () => {
    const texts = new LegendTexts(null, null);
    texts.value = "auto";
    expect(texts.write()).toEqual(["auto", "–", "–", "–"]);
  });
});
