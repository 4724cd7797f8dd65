/** A stretch of a ring: views of equal length, ascending in time, valid until the ring next changes. */
export interface Stretch {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** Of how many readings each point is the mean; null where each is one reading. */
  readonly counts: Uint32Array | null;
}

const INITIAL = 256;

/**
 * The newest points of one metric, ascending in time, one point an instant.
 *
 * The arrays are twice as long as the capacity: points are written ever further right, and moved to the front
 * only when the end is reached. So any window is one contiguous view, and a push costs O(1) on average.
 * It starts small and doubles up to `most` points; when full, the oldest point is dropped.
 */
export class Ring {
  readonly #most: number;
  #capacity: number;
  #times: Float64Array;
  #values: Float64Array;
  /** Made once means come: most rings hold single readings only. */
  #counts: Uint32Array | null = null;
  #start = 0;
  #end = 0;

  constructor(most: number) {
    this.#most = most;
    this.#capacity = Math.min(most, INITIAL);
    this.#times = new Float64Array(this.#capacity * 2);
    this.#values = new Float64Array(this.#capacity * 2);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** Whether the next point makes the oldest go. */
  get isFull(): boolean {
    return this.length === this.#most;
  }

  /** Time of the newest point; -Infinity where there is none. */
  get lastTime(): number {
    return this.length ? (this.#times[this.#end - 1] as number) : Number.NEGATIVE_INFINITY;
  }

  /** Time of the oldest point; Infinity where there is none. */
  get firstTime(): number {
    return this.length ? (this.#times[this.#start] as number) : Number.POSITIVE_INFINITY;
  }

  /**
   * Puts a point where its time belongs. It replaces one of the same instant, so a repeat changes nothing.
   */
  push(time: number, value: number): void {
    if (time > this.lastTime) {
      this.#append(time, value);
      return;
    }
    const place = this.#lowerBound(time);
    if (this.#times[place] === time) {
      this.#put(place, time, value);
      return;
    }
    this.#insert(time, value);
  }

  /**
   * Puts many points, ascending in time, where they belong. A point that is there already stays as it is.
   * @param counts of how many readings each is the mean; null where each is one
   */
  merge(times: ArrayLike<number>, values: ArrayLike<number>, counts: ArrayLike<number> | null = null): void {
    const mine = this.window(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const total = mine.times.length + times.length;
    const mergedTimes = new Float64Array(total);
    const mergedValues = new Float64Array(total);
    const mergedCounts = counts || mine.counts ? new Uint32Array(total) : null;
    let count = 0;
    let i = 0;
    let j = 0;
    while (i < mine.times.length || j < times.length) {
      const own = i < mine.times.length ? (mine.times[i] as number) : Number.POSITIVE_INFINITY;
      const other = j < times.length ? (times[j] as number) : Number.POSITIVE_INFINITY;
      const takeOwn = own <= other;
      mergedTimes[count] = takeOwn ? own : other;
      mergedValues[count] = (takeOwn ? mine.values[i] : values[j]) as number;
      if (mergedCounts) mergedCounts[count] = (takeOwn ? mine.counts?.[i] : counts?.[j]) ?? 1;
      count++;
      if (takeOwn) i++;
      if (other <= own) j++;
    }
    const first = Math.max(0, count - this.#most);
    let capacity = this.#capacity;
    while (capacity < count - first) capacity = Math.min(this.#most, capacity * 2);
    const merged = {
      times: mergedTimes.subarray(first, count),
      values: mergedValues.subarray(first, count),
      counts: mergedCounts?.subarray(first, count) ?? null,
    };
    this.#take(merged, capacity);
  }

  /** The points with from ≤ time ≤ to, and the nearest one on either side if any: lines cross the edges. */
  window(from: number, to: number): Stretch {
    const first = Math.max(this.#start, this.#lowerBound(from) - 1);
    const last = Math.min(this.#end, this.#upperBound(to) + 1);
    return {
      times: this.#times.subarray(first, last),
      values: this.#values.subarray(first, last),
      counts: this.#counts?.subarray(first, last) ?? null,
    };
  }

  /** The newest point with time ≤ `time`, or null. */
  before(time: number): readonly [time: number, value: number] | null {
    const place = this.#upperBound(time) - 1;
    return place < this.#start ? null : [this.#times[place] as number, this.#values[place] as number];
  }

  /** New arrays with room for `capacity` points, these at the front. */
  #take({ times, values, counts }: Stretch, capacity: number): void {
    this.#capacity = capacity;
    this.#times = new Float64Array(capacity * 2);
    this.#values = new Float64Array(capacity * 2);
    this.#counts = counts && new Uint32Array(capacity * 2);
    this.#times.set(times);
    this.#values.set(values);
    if (counts) this.#counts?.set(counts);
    this.#start = 0;
    this.#end = times.length;
  }

  #append(time: number, value: number): void {
    if (this.length === this.#capacity) {
      if (this.#capacity < this.#most) {
        const all = this.window(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
        this.#take(all, Math.min(this.#most, this.#capacity * 2));
      } else {
        this.#start++;
      }
    }
    if (this.#end === this.#times.length) this.#toFront();
    this.#put(this.#end, time, value);
    this.#end++;
  }

  #insert(time: number, value: number): void {
    const isOldest = time < this.firstTime;
    if (isOldest && this.length === this.#most) return;
    this.#append(this.lastTime, 0);
    const place = this.#lowerBound(time);
    this.#move(place + 1, place, this.#end - 1);
    this.#put(place, time, value);
  }

  /** One reading. */
  #put(place: number, time: number, value: number): void {
    this.#times[place] = time;
    this.#values[place] = value;
    if (this.#counts) this.#counts[place] = 1;
  }

  #move(target: number, start: number, end: number): void {
    for (const column of [this.#times, this.#values, this.#counts]) column?.copyWithin(target, start, end);
  }

  #toFront(): void {
    this.#move(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** Index of the first point at or after `time`. */
  #lowerBound(time: number): number {
    let low = this.#start;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] as number) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the first point after `time`. */
  #upperBound(time: number): number {
    let low = this.#start;
    let high = this.#end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] as number) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
