import { type ReadonlySignal, signal } from "@preact/signals";
import type { AlertDetail } from "./alertRest";

export const ALERTS = "alerts";
export const SEVERITIES = ["critical", "warning", "info"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** An alert as it is now. */
export interface Alert {
  /** null where the hub gives none. */
  readonly id: number | null;
  readonly deviceId: string;
  readonly severity: Severity;
  readonly title: string;
  /** Milliseconds UTC. */
  readonly time: number;
  /** As the hub calls it: "firing", "resolved"; null where it gives none. */
  readonly state: string | null;
  /** All that the hub said of it; null where it gives no id, or no name. */
  readonly told: AlertDetail | null;
}

/** Older ones leave. */
const KEPT_MOST = 200;

/** The alerts that fire, and those that ended while the page looked; newest first. */
export class Alerts {
  readonly #list = signal<readonly Alert[]>([]);
  readonly #unseen = signal(0);

  get list(): ReadonlySignal<readonly Alert[]> {
    return this.#list;
  }

  /** How many nobody has looked at yet. */
  get unseen(): ReadonlySignal<number> {
    return this.#unseen;
  }

  /** Those that fire, as the channel says them all when it begins, at hub time `now`. */
  begin(firing: unknown, now: number): void {
    const known = this.#list.peek();
    const told = (Array.isArray(firing) ? firing : []).map((one) => alertOf(one, now)).reverse();
    const ended = known.filter(({ state }) => state === "resolved");
    const news = told.filter(({ id }) => !known.some((one) => one.id === id));
    this.#list.value = [...told, ...ended].slice(0, KEPT_MOST);
    this.#unseen.value += news.length;
  }

  /** What the channel said, in order, at hub time `now`: each stands for what was known of that alert. */
  take(told: readonly unknown[], now: number): void {
    for (const one of told) {
      const alert = alertOf(one, now);
      const known = this.#list.peek();
      const isNew = alert.id === null || !known.some(({ id }) => id === alert.id);
      const changed = known.map((other) => (other.id === alert.id ? alert : other));
      this.#list.value = isNew ? [alert, ...known].slice(0, KEPT_MOST) : changed;
      if (isNew && !isHandled(alert)) this.#unseen.value += 1;
    }
  }

  /** Somebody looks at them. */
  seen(): void {
    this.#unseen.value = 0;
  }
}

/** Somebody did something about it: no news, even where this page had not heard of it. */
function isHandled({ told }: Alert): boolean {
  return Boolean(told?.acknowledged ?? told?.silenced);
}

/** A newer hub may send other fields: whatever is missing gets a default. */
function alertOf(told: unknown, now: number): Alert {
  const fields = (typeof told === "object" && told !== null ? told : {}) as Readonly<Record<string, unknown>>;
  const text = (...names: string[]) =>
    names.map((name) => fields[name]).find((value) => typeof value === "string" && value !== "") as
      | string
      | undefined;
  return {
    id: typeof fields.id === "number" ? fields.id : null,
    deviceId: text("device") ?? "",
    severity: SEVERITIES.find((one) => one === fields.severity) ?? "info",
    title: text("name", "message", "title") ?? "Alert",
    time: typeof fields.opened === "number" ? fields.opened : now,
    state: text("state") ?? null,
    told: typeof fields.id === "number" && text("name") ? (told as AlertDetail) : null,
  };
}
