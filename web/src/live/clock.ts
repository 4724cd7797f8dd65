/** Time and timers, handed in so that tests control them. */
export interface Clock {
  /** Milliseconds that only ever rise; where they start from means nothing. */
  now(): number;
  /** Runs once after `ms`; call what it returns to cancel. */
  after(ms: number, run: () => void): () => void;
}

export const browserClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** A difference that no network explains: the clock was set. */
const STEP_MIN_MS = 2_000;
/** An answer that took longer says too little of the time. */
const ANSWER_MAX_MS = 1_000;

/**
 * The hub's clock as seen from here. A browser's own may be minutes off, and charts and ages are in hub time.
 * Until the first `hello` it is the browser's.
 */
export class HubClock {
  readonly #clock: Clock;
  readonly #wallNow: () => number;
  #ahead: number;
  /** Of the browser's wall clock; null until the hub has said its time. */
  #aheadOfWall: number | null = null;

  /** @param wallNow the browser's own time, milliseconds UTC */
  constructor(clock: Clock, wallNow: () => number) {
    this.#clock = clock;
    this.#wallNow = wallNow;
    this.#ahead = wallNow() - clock.now();
  }

  /**
   * The hub said its time is `time`, `tookMs` after it was asked.
   * @returns how far its clock was set since it was last asked, in milliseconds; null where it just went on
   */
  set(time: number, tookMs = 0): number | null {
    if (tookMs > ANSWER_MAX_MS) return null;
    const by = time - this.now();
    const isFirst = this.#aheadOfWall === null;
    // A browser's steady clock may stand still while its machine sleeps: the hub then seems to be ahead,
    // but not of the browser's wall clock.
    const isAsleep = by > 0 && Math.abs(time - this.#wallNow() - (this.#aheadOfWall ?? 0)) < STEP_MIN_MS;
    this.#ahead = time - this.#clock.now();
    this.#aheadOfWall = time - this.#wallNow();
    return isFirst || isAsleep || Math.abs(by) < STEP_MIN_MS ? null : by;
  }

  /** Milliseconds UTC. */
  now(): number {
    return this.#clock.now() + this.#ahead;
  }
}
