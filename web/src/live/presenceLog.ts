import { type ReadonlySignal, signal } from "@preact/signals";
import type { Presence } from "./protocol";

/** A device became something else, as seen from here. */
export interface PresenceMoment {
  readonly deviceId: string;
  readonly presence: Presence;
  /** Milliseconds UTC. */
  readonly time: number;
}

/** Older ones leave. */
const KEPT_MOST = 200;

/** How the presence of watched devices changed since the page was opened, oldest first. */
export class PresenceLog {
  readonly #list = signal<readonly PresenceMoment[]>([]);

  get list(): ReadonlySignal<readonly PresenceMoment[]> {
    return this.#list;
  }

  take(moment: PresenceMoment): void {
    this.#list.value = [...this.#list.peek(), moment].slice(-KEPT_MOST);
  }
}
