import type { AlertDetail, AlertFilter } from "../../live/alertRest";
import type { AlertPlace } from "../route";

export const STATES = ["firing", "resolved", "all"] as const;

/** What a link asks for; a part that is none is left out. */
export function alertFilterOf({ state, severity, device, rule }: AlertPlace["query"]): AlertFilter {
  const number = Number(rule);
  return {
    state: STATES.find((one) => one === state) ?? "firing",
    severity: severity === "critical" || severity === "warning" ? severity : null,
    device: device ?? null,
    rule: Number.isSafeInteger(number) && number > 0 ? number : null,
  };
}

/** The same as a link has it: what is usual is left out. */
export function queryOf({ state, severity, device, rule }: AlertFilter): AlertPlace["query"] {
  return {
    ...(state !== "firing" && { state }),
    ...(severity && { severity }),
    ...(device && { device }),
    ...(rule !== null && { rule: String(rule) }),
  };
}

function isAskedFor(alert: AlertDetail, { state, severity, device, rule }: AlertFilter): boolean {
  return (
    (state === "all" || alert.state === state) &&
    (severity === null || alert.severity === severity) &&
    (device === null || alert.device === device) &&
    (rule === null || alert.rule === rule)
  );
}

/**
 * What was loaded, as it is by now, with what has come since; newest first.
 * @param hasOlder there are alerts before those that were loaded: of them none is shown yet
 */
export function alertsNow(
  loaded: readonly AlertDetail[],
  live: readonly AlertDetail[],
  filter: AlertFilter,
  hasOlder: boolean,
): AlertDetail[] {
  const byId = new Map(loaded.map((alert) => [alert.id, alert]));
  const oldest = hasOlder ? Math.min(...byId.keys()) : 0;
  for (const alert of live) if (alert.id >= oldest) byId.set(alert.id, alert);
  return [...byId.values()].filter((alert) => isAskedFor(alert, filter)).sort((a, b) => b.id - a.id);
}
