import { type ReadonlySignal, signal } from "@preact/signals";

/** How much waits for the person logged in that they have not seen. */
export class Unread {
  readonly #count = signal(0);

  get count(): ReadonlySignal<number> {
    return this.#count;
  }

  /** What the hub said. */
  told(count: number): void {
    this.#count.value = count;
  }
}
