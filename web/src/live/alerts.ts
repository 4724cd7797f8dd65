import { type ReadonlySignal, signal } from "@preact/signals";

export const ALERTS = "alerts";
export const SEVERITIES = ["critical", "warning", "info"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** An alert as it began, changed or ended. */
export interface Alert {
  readonly deviceId: string;
  readonly severity: Severity;
  readonly title: string;
  /** Milliseconds UTC. */
  readonly time: number;
  /** As the hub calls it: "firing", "resolved"; null where it gives none. */
  readonly state: string | null;
}

/** Older ones leave. */
const KEPT_MOST = 200;

/** The alerts since the page was opened, newest first, and how many of them nobody has looked at yet. */
export class Alerts {
  readonly #list = signal<readonly Alert[]>([]);
  readonly #unseen = signal(0);

  get list(): ReadonlySignal<readonly Alert[]> {
    return this.#list;
  }

  get unseen(): ReadonlySignal<number> {
    return this.#unseen;
  }

  /** Adds what the channel said, in order, at hub time `now`. */
  take(told: readonly unknown[], now: number): void {
    if (told.length === 0) return;
    const fresh = told.map((one) => alertOf(one, now)).reverse();
    this.#list.value = [...fresh, ...this.#list.peek()].slice(0, KEPT_MOST);
    this.#unseen.value += fresh.length;
  }

  /** Somebody looks at them. */
  seen(): void {
    this.#unseen.value = 0;
  }
}

/** Alerts differ by rule, and a newer hub may send more fields: whatever is missing gets a default. */
function alertOf(told: unknown, now: number): Alert {
  const fields = (typeof told === "object" && told !== null ? told : {}) as Readonly<Record<string, unknown>>;
  const text = (...names: string[]) =>
    names.map((name) => fields[name]).find((value) => typeof value === "string" && value !== "") as
      | string
      | undefined;
  return {
    deviceId: text("device") ?? "",
    severity: SEVERITIES.find((one) => one === fields.severity) ?? "info",
    title: text("message", "title", "rule", "name") ?? "Alert",
    time: timeOf(fields.time ?? fields.at) ?? now,
    state: text("state") ?? null,
  };
}

function timeOf(told: unknown): number | null {
  const time = typeof told === "string" ? Date.parse(told) : told;
  return typeof time === "number" && Number.isFinite(time) ? time : null;
}
