/**
 * One open device: its rings, filled from history and kept up by its channel, without a seam.
 *
 * Theory: the hub publishes a reading first and stores it a moment later. So a history asked for right after
 * a subscribe may lack what was published just before it. Three things close that gap:
 *  1. Subscribe first, and hold back what comes until history is in; then apply what was held.
 *  2. A ring keeps one point an instant, so a reading that came both ways is there once.
 *  3. Commits are in order. The `subscribed` answer tells the latest value of each metric as of then; once
 *     history reaches that instant, all before it was there too. Until it does, history is asked again.
 */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Clock } from "./clock";
import { NoteLog } from "./noteLog";
import type {
  AttributeNews,
  CommandNews,
  NoteNews,
  Reading,
  Readings,
  Sample,
  Snapshot,
  Subscribed,
} from "./protocol";
import type { History } from "./rest";
import { Ring } from "./ring";

/** The longest window shown, in milliseconds, and a little. */
export const KEPT_MS = 5 * 60_000 + 5_000;
/** Five minutes at 50 a second; a faster metric keeps a shorter stretch. */
const RING_POINTS = 16_384;
/** What is asked of history: all readings where the device sends up to 30 a second, averages above. */
const HISTORY_POINTS = 10_000;
/**
 * Readings held back while history is on its way. Of more, the oldest are dropped: history will have them.
 */
const HELD_MAX = 20_000;
/** Metrics asked at once; the rest wait their turn. */
const ASKED_AT_ONCE = 4;
const REACH_TRIES = 8;
const REACH_AGAIN_MS = 400;
const REFILL_MS = 2_000;
/** A time may lose its last bits on the way; a bucket's time is its start, so its width comes on top. */
const ROUNDING_MS = 1;

export type Backfill = "loading" | "done" | "failed";
export type AskHistory = (metric: string, from: number, to: number, points: number) => Promise<History>;

export type DeviceNews = Subscribed | CommandNews | AttributeNews | NoteNews;

export class DeviceWatch {
  readonly deviceId: string;
  /** What is to be told of news beside readings. */
  readonly listeners = new Set<(news: DeviceNews) => void>();
  readonly notes = new NoteLog();
  readonly rings = new Map<string, Ring>();
  readonly latest = new Map<string, Sample>();
  /** Rises with every reading, for painters. */
  revision = 0;
  /** Readings the hub left out because this page was slow; history fills them in. */
  skipped = 0;
  readonly #ask: AskHistory;
  readonly #clock: Clock;
  readonly #hubNow: () => number;
  readonly #backfill = signal<Backfill>("loading");
  readonly #metrics = signal<readonly string[]>([]);
  #held: Reading[] | null = [];
  #round = 0;
  /** Where the oldest hole begins that no history has been asked for yet; Infinity where there is none. */
  #holeFrom = Number.POSITIVE_INFINITY;
  /**
   * Where the range that was asked for but is not all here yet begins; an overtaken round leaves it to the
   * next.
   */
  #askedFrom = Number.POSITIVE_INFINITY;
  /** Since when history has filled the rings without a hole. */
  #filledFrom = Number.POSITIVE_INFINITY;
  #cancelTimer: () => void = () => {};
  #cancelRefill: () => void = () => {};
  #refillDue = false;

  constructor(deviceId: string, ask: AskHistory, clock: Clock, hubNow: () => number) {
    this.deviceId = deviceId;
    this.#ask = ask;
    this.#clock = clock;
    this.#hubNow = hubNow;
  }

  /** How far history has come in. */
  get backfill(): ReadonlySignal<Backfill> {
    return this.#backfill;
  }

  /** Since when every reading is in the rings; Infinity until history is in. */
  get heldFrom(): number {
    let from = this.#filledFrom;
    for (const ring of this.rings.values()) if (ring.isFull) from = Math.max(from, ring.firstTime);
    return from;
  }

  /** Names of the metrics seen so far, in order of appearance. */
  get metrics(): ReadonlySignal<readonly string[]> {
    return this.#metrics;
  }

  /** The hub confirmed the subscription: all that was missed, or a snapshot from which to start over. */
  subscribed(answer: Subscribed): void {
    this.tell(answer);
    if (answer.recovered && this.#backfill.value === "done") {
      for (const reading of answer.readings ?? []) this.#apply(reading);
      this.#takeSnapshot(answer.snapshot ?? {});
      return;
    }
    this.#keepOnly(answer.snapshot ?? {});
    this.#noteHole(this.#resumeFrom());
    this.#held = [...(answer.readings ?? [])];
    this.#takeSnapshot(answer.snapshot ?? {});
    void this.#fill(answer.snapshot ?? {});
  }

  tell(news: DeviceNews): void {
    if (news.type === "note" || news.type === "subscribed") this.notes.take(news);
    for (const listen of this.listeners) listen(news);
  }

  readings(message: Readings): void {
    if (message.skipped) {
      this.skipped += message.skipped;
      this.#refillSoon();
    }
    if (!this.#held) {
      for (const reading of message.readings) this.#apply(reading);
      return;
    }
    this.#held.push(...message.readings);
    if (this.#held.length > HELD_MAX) this.#held.splice(0, this.#held.length - HELD_MAX);
    for (const [time, values] of message.readings) this.#takeLatest(time, values);
  }

  /** Asks for history again after it failed. */
  retry(): void {
    this.#held ??= [];
    this.#noteHole(this.#hubNow() - KEPT_MS);
    void this.#fill(Object.fromEntries(this.latest));
  }

  /** Nothing more is asked or applied. */
  close(): void {
    this.#round++;
    this.#cancelTimer();
    this.#cancelRefill();
  }

  /** Where history must begin so that no hole stays: the oldest of the rings' ends, or the whole window. */
  #resumeFrom(): number {
    if (this.#backfill.value !== "done") return this.#hubNow() - KEPT_MS;
    let from = this.#hubNow();
    for (const ring of this.rings.values()) from = Math.min(from, ring.lastTime);
    return from;
  }

  /**
   * A slow page hears of skipped readings often; history is asked for all of them together, not each time.
   */
  #refillSoon(): void {
    this.#noteHole(this.#resumeFrom());
    if (this.#refillDue) return;
    this.#refillDue = true;
    this.#cancelRefill = this.#clock.after(REFILL_MS, () => {
      this.#refillDue = false;
      void this.#fill(Object.fromEntries(this.latest));
    });
  }

  #noteHole(from: number): void {
    this.#holeFrom = Math.min(this.#holeFrom, from);
  }

  /**
   * Asks history from the oldest hole on until it holds the snapshot; applies the held readings after one
   * answer.
   */
  async #fill(snapshot: Snapshot): Promise<void> {
    const round = ++this.#round;
    this.#cancelTimer();
    this.#askedFrom = Math.min(this.#askedFrom, this.#holeFrom);
    this.#holeFrom = Number.POSITIVE_INFINITY;
    const from = Math.max(this.#askedFrom, this.#hubNow() - KEPT_MS);
    if (this.#backfill.value === "failed") this.#backfill.value = "loading";
    let behind = numbersOf(snapshot);
    try {
      for (let attempt = 0; behind.length > 0 && attempt < REACH_TRIES; attempt++) {
        if (attempt > 0) await this.#pause(REACH_AGAIN_MS);
        if (round !== this.#round) return;
        behind = await this.#fillOnce(behind, snapshot, from, round);
        if (round !== this.#round) return;
        this.#release();
      }
      this.#release();
      // A hole longer than the window is filled in part: what lies before it is no longer whole.
      this.#filledFrom = this.#askedFrom < from ? from : Math.min(this.#filledFrom, from);
      this.#askedFrom = Number.POSITIVE_INFINITY;
      this.#backfill.value = "done";
    } catch {
      if (round !== this.#round) return;
      this.#release();
      this.#backfill.value = "failed";
    }
  }

  /** @returns the metrics whose history does not reach their snapshot yet */
  async #fillOnce(
    metrics: readonly string[],
    snapshot: Snapshot,
    from: number,
    round: number,
  ): Promise<string[]> {
    const queue = [...metrics];
    const behind: string[] = [];
    const to = this.#hubNow() + 1000;
    const worker = async (): Promise<void> => {
      for (let metric = queue.shift(); metric !== undefined; metric = queue.shift()) {
        const history = await this.#ask(metric, from, to, HISTORY_POINTS);
        if (round !== this.#round) return;
        const { times, values, counts } = columnsOf(history);
        this.#ring(metric).merge(times, values, counts);
        this.revision++;
        const reached = times[times.length - 1] ?? Number.NEGATIVE_INFINITY;
        const wanted = snapshot[metric]?.[0] ?? Number.NEGATIVE_INFINITY;
        const isOutside = wanted < from || wanted > to;
        const width = history.tier === "raw" ? 0 : (to - from) / HISTORY_POINTS;
        if (!isOutside && reached + width + ROUNDING_MS < wanted) behind.push(metric);
      }
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
    return behind;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#cancelTimer = this.#clock.after(ms, resolve);
    });
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const reading of held) this.#apply(reading);
  }

  #apply([time, values]: Reading): void {
    for (const [metric, value] of Object.entries(values)) {
      if (typeof value === "number") this.#ring(metric).push(time, value);
    }
    this.#takeLatest(time, values);
  }

  /** The hub knows no other metrics: one may have been renamed or removed while the page was away. */
  #keepOnly(snapshot: Snapshot): void {
    for (const metric of this.#metrics.value) {
      if (Object.hasOwn(snapshot, metric)) continue;
      this.rings.delete(metric);
      this.latest.delete(metric);
    }
    this.#metrics.value = [...this.latest.keys()];
  }

  #takeSnapshot(snapshot: Snapshot): void {
    for (const [metric, [time, value]] of Object.entries(snapshot)) {
      if (typeof value === "number" && this.#held === null) this.#ring(metric).push(time, value);
      this.#takeLatest(time, { [metric]: value });
    }
  }

  #takeLatest(time: number, values: Reading[1]): void {
    for (const [metric, value] of Object.entries(values)) {
      const known = this.latest.get(metric);
      if (!known) this.#metrics.value = [...this.#metrics.value, metric];
      if (!known || known[0] <= time) this.latest.set(metric, [time, value]);
    }
    this.revision++;
  }

  #ring(metric: string): Ring {
    let ring = this.rings.get(metric);
    if (!ring) {
      ring = new Ring(RING_POINTS);
      this.rings.set(metric, ring);
    }
    return ring;
  }
}

function numbersOf(snapshot: Snapshot): string[] {
  return Object.entries(snapshot)
    .filter(([, sample]) => typeof sample[1] === "number")
    .map(([metric]) => metric);
}

/** A history's instants and averages, and how many readings each is made of, without what is empty in it. */
function columnsOf({ time, avg, count }: History) {
  const rows = [...time.keys()].filter((row) => typeof avg[row] === "number");
  return {
    times: rows.map((row) => time[row] as number),
    values: rows.map((row) => avg[row] as number),
    counts: count && rows.map((row) => count[row] as number),
  };
}
