import type { WhichDevices } from "./alertRest";
import type { Value } from "./protocol";
import type { Rest } from "./rest";

/** The condition: one key of docs/alerts.md, with what goes with it. */
export type RuleCondition = Readonly<Record<string, unknown>>;

/** When alerts may open, by the clocks of a place. */
export interface RuleSchedule {
  readonly timezone: string;
  readonly days: readonly string[];
  readonly from: string;
  readonly to: string;
}

/** What people want to be told of. */
export interface RuleBody {
  readonly name: string;
  readonly severity: "critical" | "warning";
  readonly enabled: boolean;
  readonly on: WhichDevices;
  /** null where the condition is the device's presence. */
  readonly metric: string | null;
  readonly when: RuleCondition;
  readonly schedule: RuleSchedule | null;
  readonly depends_on: WhichDevices | null;
  readonly remind_s: number | null;
  readonly note: string;
}

export interface RuleInfo extends RuleBody {
  readonly id: number;
  readonly by: string;
}

/** An alert as it would have been. Times are milliseconds UTC. */
export interface TrialAlert {
  readonly device: string;
  readonly metric: string;
  readonly opened: number;
  readonly resolved: number | null;
  readonly peak: readonly [time: number, value: Value] | null;
}

/** What a rule would have said. */
export interface Trial {
  readonly alerts: readonly TrialAlert[];
  readonly readings: number;
  /** "minute": the least and greatest of each minute were played. */
  readonly tier: "raw" | "minute";
  /** There are no more alerts than these. */
  readonly whole: boolean;
}

const RULES_PATH = "api/v1/rules";
const PAGE_MOST = 1000;

/** Rules. Throws as Rest does. */
export class RuleRest {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /** Newest first. */
  async rules(): Promise<readonly RuleInfo[]> {
    const answer = await this.#rest.ask(`${RULES_PATH}?limit=${PAGE_MOST}`, "GET");
    return (answer as { rules: RuleInfo[] }).rules;
  }

  async add(rule: RuleBody): Promise<void> {
    await this.#rest.ask(RULES_PATH, "POST", rule);
  }

  /** What is left out stays as it is. */
  async change(id: number, change: Partial<RuleBody>): Promise<void> {
    await this.#rest.ask(`${RULES_PATH}/${id}`, "PATCH", change);
  }

  /** Its open alerts end. */
  async remove(id: number): Promise<void> {
    await this.#rest.ask(`${RULES_PATH}/${id}`, "DELETE");
  }

  /** When a rule would have fired from one time up to another; nothing is changed. */
  async test(rule: object, from: number, to: number, stop: AbortSignal): Promise<Trial> {
    return (await this.#rest.ask(`${RULES_PATH}/test`, "POST", { rule, from, to }, stop)) as Trial;
  }
}
