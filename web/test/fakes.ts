/** Stand-ins that tests control: a clock that moves when told, and a socket whose other end is the test. */
import type { Clock } from "../src/live/clock";
import type { Socket } from "../src/live/connection";

export class HeldClock implements Clock {
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, running what falls due in its order, and lets promises settle in between. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
}

/** Lets all promises that can settle do so. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

export class HeldSocket implements Socket {
  readonly sent: unknown[] = [];
  isClosed = false;
  onmessage: ((frame: MessageEvent) => void) | null = null;
  onclose: ((close: CloseEvent) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.isClosed = true;
  }

  /** The hub says something. */
  says(...messages: object[]): void {
    const frame = messages.length === 1 ? messages[0] : messages;
    this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  }

  /** The connection is lost, or closed by the hub. */
  breaks(code = 1006): void {
    this.onclose?.({ code } as CloseEvent);
  }
}
