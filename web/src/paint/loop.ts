/** Paints what is not rendered by components: numbers, sparklines, charts. */
export interface Painter {
  /** Milliseconds between two paints; asked before each. */
  intervalMs(): number;
  paint(): void;
}

/**
 * The page's one animation loop. Each painter has its own pace. Nothing paints while the tab is hidden (the
 * browser gives no frames) or the page is paused, except a painter that is new or must show something else.
 */
export class PaintLoop {
  readonly #due = new Map<Painter, number>();
  readonly #requestFrame: (run: (now: number) => void) => void;
  readonly #isPaused: () => boolean;

  constructor(requestFrame: (run: (now: number) => void) => void, isPaused: () => boolean) {
    this.#requestFrame = requestFrame;
    this.#isPaused = isPaused;
    this.#requestFrame(this.#frame);
  }

  /** Paints from the next frame on; call what it returns to stop. */
  add(painter: Painter): () => void {
    this.#due.set(painter, 0);
    return () => {
      this.#due.delete(painter);
    };
  }

  /** Makes every painter paint in the next frame, paused or not: theme, window or width changed. */
  repaint(): void {
    for (const painter of this.#due.keys()) this.#due.set(painter, 0);
  }

  readonly #frame = (now: number): void => {
    const isPaused = this.#isPaused();
    for (const [painter, due] of this.#due) {
      if (now < due || (isPaused && due !== 0)) continue;
      this.#due.set(painter, now + painter.intervalMs() - FRAME_SLACK_MS);
      painter.paint();
    }
    this.#requestFrame(this.#frame);
  };
}

/** Frames come every 16.7 ms: a painter due within half a frame paints now instead of a frame late. */
const FRAME_SLACK_MS = 8;
