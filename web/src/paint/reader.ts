import { type ReadonlySignal, signal } from "@preact/signals";

/** Whose way numbers and times are written: a BCP 47 tag, or null for the browser's. */
export interface ReaderChoices {
  readonly locale: string | null;
  readonly hours: "24" | "12";
  readonly zone: "local" | "utc";
}

/** More decimals than these nobody asks for. */
export const DECIMALS_MOST = 6;

/** Writes numbers and times as one reader wants them. */
export class Reader {
  /** By decimals: 0, 1, … */
  readonly numbers: readonly Intl.NumberFormat[];
  readonly scientific: Intl.NumberFormat;
  /** As few decimals as say it: for an axis. */
  readonly plain: Intl.NumberFormat;
  readonly clock: Intl.DateTimeFormat;
  readonly day: Intl.DateTimeFormat;
  readonly moment: Intl.DateTimeFormat;
  readonly momentToTheMillisecond: Intl.DateTimeFormat;
  readonly isUtc: boolean;

  constructor({ locale, hours, zone }: ReaderChoices) {
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
    // Beside a date it is said which time it is; on a clock there is no room.
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

const shown = signal(new Reader({ locale: null, hours: "24", zone: "local" }));

/** Who reads this page: one for all that is on it. What is rendered with it is rendered again when it changes. */
export const reader: ReadonlySignal<Reader> = shown;

export function readAs(choices: ReaderChoices): void {
  shown.value = new Reader(choices);
}
