import { type ReadonlySignal, signal } from "@preact/signals";

/**
 * For some writes the hub wants to know that it is still the person who logged in. What was asked for waits
 * until they have shown it, or have thought better of it; the page shows the question while `isAsked`.
 */
export class Confirmation {
  readonly #isAsked = signal(false);
  #waiting: ((isConfirmed: boolean) => void)[] = [];

  get isAsked(): ReadonlySignal<boolean> {
    return this.#isAsked;
  }

  /** Whether it is: several writes that wait at once share one question. */
  ask(): Promise<boolean> {
    this.#isAsked.value = true;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  answer(isConfirmed: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#isAsked.value = false;
    for (const resolve of waiting) resolve(isConfirmed);
  }
}
