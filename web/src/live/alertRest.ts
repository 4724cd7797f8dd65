import type { Value } from "./protocol";
import type { Rest } from "./rest";

export type AlertState = "firing" | "resolved";

/** An alert as the hub tells it. Times are milliseconds UTC. */
export interface AlertDetail {
  readonly id: number;
  /** null: the thresholds of the metric. */
  readonly rule: number | null;
  readonly name: string;
  readonly severity: "critical" | "warning";
  readonly device: string;
  readonly metric: string | null;
  readonly state: AlertState;
  readonly opened: number;
  readonly resolved: number | null;
  /** It was known only long after it opened. */
  readonly late: boolean;
  readonly value: Value | null;
  readonly peak: readonly [time: number, value: Value] | null;
  readonly acknowledged: { readonly by: string; readonly at: number; readonly comment: string } | null;
  /** `until` null: until what the rule depends on is back. */
  readonly silenced: { readonly by: string; readonly until: number | null; readonly comment: string } | null;
  readonly flapping: boolean;
  /** How often it opened. */
  readonly count: number;
  /** It ended for this reason, and not for its condition. */
  readonly why: string;
}

/** Something that happened to an alert; `by` is empty for the hub. */
export interface AlertEvent {
  readonly event: string;
  readonly at: number;
  readonly by: string;
  readonly text: string;
}

/** Which alerts are asked for. */
export interface AlertFilter {
  readonly state: AlertState | "all";
  readonly severity: AlertDetail["severity"] | null;
  readonly device: string | null;
  readonly rule: number | null;
}

/** Newest first; `next` leads to the page after it, null on the last one. */
export interface AlertsPage {
  readonly alerts: readonly AlertDetail[];
  readonly next: number | null;
}

/** Devices: one, those with a label ("k=v"), or all. */
export interface WhichDevices {
  readonly device?: string;
  readonly label?: string;
  readonly all?: true;
}

/** Of what nobody is told. */
export interface Silence {
  readonly id: number;
  readonly device: string | null;
  readonly label: string | null;
  readonly rule: number | null;
  readonly until: number;
  readonly by: string;
  readonly comment: string;
}

export type NewSilence = { readonly until: number; readonly comment: string } & (
  | { readonly device: string }
  | { readonly label: string }
  | { readonly rule: number }
);

const ALERTS_PATH = "api/v1/alerts";
const SILENCES_PATH = "api/v1/silences";

/** Alerts and silences. Throws as Rest does. */
export class AlertRest {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  async alerts(filter: AlertFilter, limit: number, before: number | null): Promise<AlertsPage> {
    const query = new URLSearchParams({ limit: String(limit) });
    for (const [name, value] of Object.entries({ ...filter, before })) {
      if (value !== null) query.set(name, String(value));
    }
    return (await this.#rest.ask(`${ALERTS_PATH}?${query}`, "GET")) as AlertsPage;
  }

  /** What happened to an alert, oldest first. */
  async history(id: number): Promise<readonly AlertEvent[]> {
    return ((await this.#rest.ask(`${ALERTS_PATH}/${id}`, "GET")) as { history: AlertEvent[] }).history;
  }

  /** Those that are not there, or not one's own to acknowledge. */
  async acknowledge(ids: readonly number[], comment: string): Promise<readonly number[]> {
    const answer = await this.#rest.ask(`${ALERTS_PATH}/acknowledge`, "POST", { ids, comment });
    return (answer as { unknown: number[] }).unknown;
  }

  async comment(id: number, comment: string): Promise<void> {
    await this.#rest.ask(`${ALERTS_PATH}/${id}/comment`, "POST", { comment });
  }

  async silences(): Promise<readonly Silence[]> {
    return ((await this.#rest.ask(SILENCES_PATH, "GET")) as { silences: Silence[] }).silences;
  }

  async silence(wanted: NewSilence): Promise<void> {
    await this.#rest.ask(SILENCES_PATH, "POST", wanted);
  }

  async endSilence(id: number): Promise<void> {
    await this.#rest.ask(`${SILENCES_PATH}/${id}`, "DELETE");
  }
}
