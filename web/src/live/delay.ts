const SAMPLES = 512;

/**
 * How long a reading takes from its measurement to the page: the median of the newest 512 since last asked.
 */
export class DelayMeter {
  readonly #samples = new Float64Array(SAMPLES);
  #count = 0;

  /** A reading measured at `time` was here at `now`, both hub time in milliseconds. */
  add(time: number, now: number): void {
    this.#samples[this.#count % SAMPLES] = Math.max(0, now - time);
    this.#count++;
  }

  /** Milliseconds, or null where nothing came. Then starts anew. */
  take(): number | null {
    const count = Math.min(this.#count, SAMPLES);
    this.#count = 0;
    if (count === 0) return null;
    return this.#samples.subarray(0, count).slice().sort()[count >> 1] as number;
  }
}
