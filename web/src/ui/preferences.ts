import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

export const DENSITIES = ["comfortable", "compact"] as const;
export type Density = (typeof DENSITIES)[number];
export const HOURS = ["24", "12"] as const;
export type Hours = (typeof HOURS)[number];
export const ZONES = ["local", "utc"] as const;
export type Zone = (typeof ZONES)[number];

/** What was chosen in this browser, besides the theme. */
export interface Choices {
  readonly density: Density;
  /** How numbers and dates are written, as a BCP 47 tag; null is the browser's own way. */
  readonly locale: string | null;
  readonly hours: Hours;
  readonly zone: Zone;
}

const DEFAULTS: Choices = { density: "comfortable", locale: null, hours: "24", zone: "local" };
const KEY = "preferences";

/** As much of localStorage as is used here. */
export type KeyValueStore = Pick<Storage, "getItem" | "setItem">;

/** The choices, kept in the browser; where it keeps nothing, until the tab closes. */
export class Preferences {
  readonly #store: KeyValueStore;
  readonly #choices: Signal<Choices>;

  constructor(store: KeyValueStore) {
    this.#store = store;
    this.#choices = signal(choicesOf(readKept(store)));
  }

  get choices(): ReadonlySignal<Choices> {
    return this.#choices;
  }

  choose(change: Partial<Choices>): void {
    this.#choices.value = { ...this.#choices.peek(), ...change };
    try {
      this.#store.setItem(KEY, JSON.stringify(this.#choices.peek()));
    } catch {
      // Storage may be full or forbidden.
    }
  }
}

function readKept(store: KeyValueStore): unknown {
  try {
    return JSON.parse(store.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/** The kept choices that are valid: another version of the page may have written them. */
function choicesOf(kept: unknown): Choices {
  const fields = (typeof kept === "object" && kept !== null ? kept : {}) as Record<string, unknown>;
  const one = <T extends string>(known: readonly T[], name: keyof Choices, otherwise: T): T =>
    known.find((value) => value === fields[name]) ?? otherwise;
  return {
    density: one(DENSITIES, "density", DEFAULTS.density),
    locale: isLocale(fields.locale) ? fields.locale : null,
    hours: one(HOURS, "hours", DEFAULTS.hours),
    zone: one(ZONES, "zone", DEFAULTS.zone),
  };
}

function isLocale(tag: unknown): tag is string {
  try {
    return typeof tag === "string" && Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
