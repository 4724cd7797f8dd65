import { type ReadonlySignal, signal } from "@preact/signals";

/** How numbers and times are written. `locale` is a BCP 47 tag, or null for the browser's own. */
export interface LocaleChoices {
  readonly locale: string | null;
  readonly hours: "24" | "12";
  readonly zone: "local" | "utc";
}

/** Nobody needs more decimals than these. */
export const DECIMALS_MOST = 6;

/** The formats for numbers and times of one choice of locale, hours and zone. */
export class LocaleFormats {
  /** By decimals: 0, 1, … */
  readonly numbers: readonly Intl.NumberFormat[];
  readonly scientific: Intl.NumberFormat;
  /** With as few decimals as possible: for an axis. */
  readonly plain: Intl.NumberFormat;
  readonly clock: Intl.DateTimeFormat;
  readonly day: Intl.DateTimeFormat;
  readonly moment: Intl.DateTimeFormat;
  readonly momentToTheMillisecond: Intl.DateTimeFormat;
  readonly isUtc: boolean;

  constructor({ locale, hours, zone }: LocaleChoices) {
    const whose = locale ?? undefined;
    this.isUtc = zone === "utc";
    this.numbers = Array.from(
      { length: DECIMALS_MOST + 1 },
      (_, decimals) =>
        new Intl.NumberFormat(whose, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
    );
    this.scientific = new Intl.NumberFormat(whose, { notation: "scientific", maximumFractionDigits: 2 });
    this.plain = new Intl.NumberFormat(whose, { maximumFractionDigits: DECIMALS_MOST });
    const at = this.isUtc ? { timeZone: "UTC" } : {};
    const clock: Intl.DateTimeFormatOptions = {
      ...at,
      hour: hours === "24" ? "2-digit" : "numeric",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: hours === "24" ? "h23" : "h12",
    };
    const date = { year: "numeric", month: "short", day: "numeric" } as const;
    // The zone is named beside a date; on a clock there is no room.
    const named = this.isUtc ? ({ timeZoneName: "short" } as const) : {};
    this.clock = new Intl.DateTimeFormat(whose, clock);
    this.day = new Intl.DateTimeFormat(whose, { ...at, day: "numeric", month: "short" });
    this.moment = new Intl.DateTimeFormat(whose, { ...clock, ...date, ...named });
    this.momentToTheMillisecond = new Intl.DateTimeFormat(whose, {
      ...clock,
      ...date,
      ...named,
      fractionalSecondDigits: 3,
    });
  }
}

const shown = signal(new LocaleFormats({ locale: null, hours: "24", zone: "local" }));

/** The formats of the whole page. Components that use them are rendered again when they change. */
export const formats: ReadonlySignal<LocaleFormats> = shown;

export function setLocale(choices: LocaleChoices): void {
  shown.value = new LocaleFormats(choices);
}
