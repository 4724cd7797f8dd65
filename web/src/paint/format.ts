import type { Value } from "../live/protocol";
import { formats } from "./locale";

const PREFIXES: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
];
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Decimals worth showing of a number this large. */
function decimalsCap(magnitude: number): number {
  if (magnitude < 1) return 4;
  if (magnitude < 10) return 3;
  if (magnitude < 1000) return 2;
  return magnitude < 100_000 ? 1 : 0;
}

/** The fewest decimals, up to the cap, that show the number as it is. */
function decimalsOf(value: number): number {
  const cap = decimalsCap(Math.abs(value));
  let decimals = 0;
  while (decimals < cap && Math.abs(value - Number(value.toFixed(decimals))) > 0.5 * 10 ** -cap) decimals++;
  return decimals;
}

/**
 * Writes the values of one metric, with as many decimals as operators set. Without that it remembers the most
 * it needed, so that a number does not change its width with each reading: 20.5 after 20.53 is 20.50.
 */
export class ValueFormatter {
  readonly #fixed: number | null;
  #decimals = 0;
  #largest = 0;

  constructor(fixed: number | null = null) {
    this.#fixed = fixed;
  }

  /** As many as numbers are written with at the moment. */
  get decimals(): number {
    return this.#fixed ?? this.#decimals;
  }

  number(value: number): string {
    const magnitude = Math.abs(value);
    if (this.#fixed !== null && magnitude < 1e15) return format(value, this.#fixed);
    if (magnitude >= 1e15 || (magnitude > 0 && magnitude < 5e-5))
      return formats.value.scientific.format(value);
    for (const [size, prefix] of PREFIXES) {
      if (magnitude >= size) return `${format(value / size, 2)} ${prefix}`;
    }
    this.#largest = Math.max(this.#largest, magnitude);
    this.#decimals = Math.min(Math.max(this.#decimals, decimalsOf(value)), decimalsCap(this.#largest));
    return format(value, this.#decimals);
  }

  /** With its unit: "20.50 °C", "1.23 GB/s". */
  value(value: Value, unit: string | null | undefined): string {
    if (typeof value !== "number") return String(value);
    const text = this.number(value);
    if (!unit) return text;
    return /[TGM]$/.test(text) ? text + unit : `${text} ${unit}`;
  }
}

function format(value: number, decimals: number): string {
  const text = (formats.value.numbers[decimals] as Intl.NumberFormat).format(value);
  return text.replace(/^-(0[.,]?0*)$/, "$1");
}

export function count(value: number): string {
  return (formats.value.numbers[0] as Intl.NumberFormat).format(Math.round(value));
}

/** "now", "39 s ago", "5 min ago", "3 h ago", "2 d ago". */
export function age(ms: number): string {
  if (ms < 2 * SECOND_MS) return "now";
  return `${span(ms)} ago`;
}

/** One unit is enough: "39 s", "5 min", "3 h", "2 d". */
export function span(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

/** "50 ms", "1.2 s", "3 min". */
export function delay(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  return ms < 10 * SECOND_MS ? `${format(ms / SECOND_MS, 1)} s` : span(ms);
}

/** A number as short as it goes: "20.5", "1,500". */
export function plainNumber(value: number): string {
  return formats.value.plain.format(value);
}

/** Time of day: "10:44:12". */
export function clockTime(ms: number): string {
  return formats.value.clock.format(ms);
}

/** "20 Nov". */
export function dayOf(ms: number): string {
  return formats.value.day.format(ms);
}

/** Day and time of milliseconds or RFC 3339: "20 Nov 2026, 10:44:12". */
export function moment(time: number | string): string {
  return formats.value.moment.format(typeof time === "number" ? time : Date.parse(time));
}

/** "20 Nov 2026, 10:44:12.345". */
export function momentToTheMillisecond(ms: number): string {
  return formats.value.momentToTheMillisecond.format(ms);
}

/** From when to when, the day once where it is one: "20 Nov 2026, 10:44:12 – 10:45:00". */
export function stretch(from: number, to: number): string {
  return formats.value.moment.formatRange(from, to);
}
