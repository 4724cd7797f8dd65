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

/**
 * The hub's clock as seen from here. A browser's own may be minutes off, and charts and ages are in hub time.
 * Until the first `hello` it is the browser's.
 */
export class HubClock {
  readonly #clock: Clock;
  #ahead: number;

  constructor(clock: Clock, wallTime: number) {
    this.#clock = clock;
    this.#ahead = wallTime - clock.now();
  }

  /** The hub said its time is `time`, just now. */
  set(time: number): void {
    this.#ahead = time - this.#clock.now();
  }

  /** Milliseconds UTC. */
  now(): number {
    return this.#clock.now() + this.#ahead;
  }
}
