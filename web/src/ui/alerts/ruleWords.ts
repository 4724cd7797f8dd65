import type { WhichDevices } from "../../live/alertRest";
import type { RuleBody, RuleCondition, RuleSchedule } from "../../live/ruleRest";

/** The condition of a rule in words: "temperature above 90 for 30 s, over below 85". */
export function ruleWords({ metric, when }: Pick<RuleBody, "metric" | "when">): string {
  return [metric, conditionWords(when)].filter(Boolean).join(" ");
}

function conditionWords(when: RuleCondition): string {
  const lasting = typeof when.for_s === "number" ? ` for ${secondsText(when.for_s)}` : "";
  const [kind = ""] = Object.keys(when).filter((key) => key in WORDS);
  return `${WORDS[kind]?.(when) ?? ""}${lasting}${overWords(when)}`;
}

const WORDS: Readonly<Record<string, (when: RuleCondition) => string>> = {
  above: ({ above }) => `above ${above}`,
  below: ({ below }) => `below ${below}`,
  outside: ({ outside }) => `outside ${pairText(outside)}`,
  is: ({ is }) => `is ${JSON.stringify(is)}`,
  is_not: ({ is_not }) => `is not ${JSON.stringify(is_not)}`,
  rising_s: ({ rising_s }) => `rises by ${changeText(rising_s)}`,
  falling_s: ({ falling_s }) => `falls by ${changeText(falling_s)}`,
  silent_s: ({ silent_s }) =>
    silent_s === "expected" ? "is silent for longer than expected" : `is silent for ${secondsText(silent_s)}`,
  flat_s: ({ flat_s, epsilon }) =>
    `does not change${epsilon ? ` by more than ${epsilon}` : ""} for ${secondsText(flat_s)}`,
  presence: ({ presence }) => `the device is ${presence}`,
  differs: ({ differs }) => {
    const { metric, device, by } = fieldsOf(differs);
    return `differs from ${metric}${device ? ` of ${device}` : ""} by more than ${by}`;
  },
  count: ({ count }) => {
    const { above, times, within_s } = fieldsOf(count);
    return `above ${above} ${times} times within ${secondsText(within_s)}`;
  },
};

function overWords({ clear_below, clear_above, clear_inside }: RuleCondition): string {
  if (clear_below !== undefined) return `, over below ${clear_below}`;
  if (clear_above !== undefined) return `, over above ${clear_above}`;
  return clear_inside === undefined ? "" : `, over inside ${pairText(clear_inside)}`;
}

export function whichWords({ device, label }: WhichDevices): string {
  return device ?? label ?? "all devices";
}

export function scheduleWords({ timezone, days, from, to }: RuleSchedule): string {
  return `${days.length === 7 ? "every day" : days.join(", ")} ${from}–${to} ${timezone}`;
}

function fieldsOf(told: unknown): Readonly<Record<string, unknown>> {
  return typeof told === "object" && told !== null ? (told as Record<string, unknown>) : {};
}

function changeText(told: unknown): string {
  const { by, within_s } = fieldsOf(told);
  return `${by} within ${secondsText(within_s)}`;
}

function pairText(told: unknown): string {
  return Array.isArray(told) ? told.join("–") : String(told);
}

const UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
] as const;

/** Exactly, in the largest unit that goes in: "90 s", "5 min", "1 d". */
function secondsText(told: unknown): string {
  const seconds = Number(told);
  const [size, unit] = UNITS.find(([one]) => seconds > 0 && seconds % one === 0) ?? [1, "s"];
  return `${seconds / size} ${unit}`;
}
