import type { DeviceRecord } from "./fleet";
import type { Rest } from "./rest";

const ASKED_AT_ONCE = 2;
/** Rows that scrolled away before their turn are dropped, oldest first. */
const WAITING_MAX = 40;
const POINTS = 120;

/**
 * Fills the sparklines of the rows in sight from history, once each, a few at a time, so that they are not
 * empty for the first minute after the list is opened.
 */
export class SparkFiller {
  readonly #rest: Rest;
  readonly #hubNow: () => number;
  readonly #spanMs: number;
  readonly #filled = new WeakMap<DeviceRecord, string>();
  #waiting: { device: DeviceRecord; metric: string }[] = [];
  #asking = 0;

  constructor(rest: Rest, hubNow: () => number, spanMs: number) {
    this.#rest = rest;
    this.#hubNow = hubNow;
    this.#spanMs = spanMs;
  }

  want(device: DeviceRecord, metric: string): void {
    if (this.#filled.get(device) === metric) return;
    this.#filled.set(device, metric);
    this.#waiting.push({ device, metric });
    for (const dropped of this.#waiting.splice(0, Math.max(0, this.#waiting.length - WAITING_MAX))) {
      this.#filled.delete(dropped.device);
    }
    if (this.#asking < ASKED_AT_ONCE) void this.#work();
  }

  /** Fills it again: after a lost connection there may be holes. */
  wantAgain(device: DeviceRecord, metric: string): void {
    this.#filled.delete(device);
    this.want(device, metric);
  }

  async #work(): Promise<void> {
    this.#asking++;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { device, metric } = next;
      const now = this.#hubNow();
      try {
        const history = await this.#rest.history(device.id, metric, now - this.#spanMs, now, POINTS);
        const filled = history.time
          .map((time, i) => [time, history.avg[i]] as const)
          .filter((point): point is readonly [number, number] => typeof point[1] === "number");
        device.spark(metric).merge(
          filled.map(([time]) => time),
          filled.map(([, value]) => value),
        );
      } catch {
        // A sparkline that starts empty fills by itself; the next row that wants this device asks again.
        this.#filled.delete(device);
      }
    }
    this.#asking--;
  }
}
