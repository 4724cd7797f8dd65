import type { WhichDevices } from "../../live/alertRest";
import type { RuleBody, RuleInfo } from "../../live/ruleRest";

/** A rule as it is typed: texts by field. Fields of the condition are named as in `when`: "rising_s.by". */
export type RuleDraft = Readonly<Record<string, string>>;

interface ConditionField {
  readonly path: string;
  readonly label: string;
  /** "any" is a text, or true or false. */
  readonly kind: "number" | "text" | "any";
  readonly isOptional?: boolean;
}

const number = (path: string, label: string): ConditionField => ({ path, label, kind: "number" });
const optional = (path: string, label: string) => ({ ...number(path, label), isOptional: true });
const text = (path: string, label: string): ConditionField => ({ path, label, kind: "text" });
const LASTING = optional("for_s", "For, in seconds");
const WITHIN = "Within, in seconds";

/** Every condition that a rule may have, with what has to be said of it. */
export const CONDITIONS: Readonly<Record<string, { word: string; fields: readonly ConditionField[] }>> = {
  above: {
    word: "above",
    fields: [number("above", "Above"), optional("clear_below", "Over below"), LASTING],
  },
  below: {
    word: "below",
    fields: [number("below", "Below"), optional("clear_above", "Over above"), LASTING],
  },
  outside: {
    word: "outside",
    fields: [
      number("outside.0", "Lowest"),
      number("outside.1", "Highest"),
      optional("clear_inside.0", "Over from"),
      optional("clear_inside.1", "Over up to"),
      LASTING,
    ],
  },
  is: { word: "is", fields: [{ path: "is", label: "Value", kind: "any" }, LASTING] },
  is_not: { word: "is not", fields: [{ path: "is_not", label: "Value", kind: "any" }, LASTING] },
  rising_s: { word: "rises", fields: [number("rising_s.by", "By"), number("rising_s.within_s", WITHIN)] },
  falling_s: { word: "falls", fields: [number("falling_s.by", "By"), number("falling_s.within_s", WITHIN)] },
  silent_s: { word: "is silent", fields: [number("silent_s", "For, in seconds, or “expected”")] },
  flat_s: {
    word: "does not change",
    fields: [number("flat_s", "For, in seconds"), optional("epsilon", "By more than")],
  },
  presence: { word: "the device is gone", fields: [text("presence", "offline or stale"), LASTING] },
  differs: {
    word: "differs from another",
    fields: [
      text("differs.metric", "Other metric"),
      { ...text("differs.device", "Of another device"), isOptional: true },
      number("differs.by", "By more than"),
      LASTING,
    ],
  },
  count: {
    word: "is above several times",
    fields: [
      number("count.above", "Above"),
      number("count.times", "Times"),
      number("count.within_s", WITHIN),
    ],
  },
};

export const NEW_RULE: RuleDraft = { severity: "warning", on: "all", when: "above", days: "" };

/** What a rule is, as it would be typed. */
export function ruleDraftOf(rule: RuleInfo): RuleDraft {
  const kind = Object.keys(CONDITIONS).find((one) => one in rule.when) ?? "above";
  const typed = (CONDITIONS[kind]?.fields ?? []).map(({ path }) => [path, valueAt(rule.when, path)]);
  return {
    ...Object.fromEntries(typed),
    name: rule.name,
    severity: rule.severity,
    metric: rule.metric ?? "",
    when: kind,
    ...whichDraft("on", rule.on),
    ...(rule.depends_on && whichDraft("depends_on", rule.depends_on)),
    timezone: rule.schedule?.timezone ?? "",
    days: rule.schedule?.days.join(", ") ?? "",
    from: rule.schedule?.from ?? "",
    to: rule.schedule?.to ?? "",
    note: rule.note,
  };
}

/** The rule that is typed. What is no number goes to the hub as it is, which says what is wrong with it. */
export function ruleOf(draft: RuleDraft): Omit<RuleBody, "enabled" | "remind_s"> {
  const of = (name: string) => (draft[name] ?? "").trim();
  const when: Record<string, unknown> = {};
  for (const { path, kind, isOptional } of CONDITIONS[of("when")]?.fields ?? []) {
    if (of(path) !== "" || !isOptional) put(when, path, typedValue(of(path), kind));
  }
  const schedule = {
    ...(of("timezone") && { timezone: of("timezone") }),
    ...(of("days") && {
      days: of("days")
        .toLowerCase()
        .split(/[\s,]+/),
    }),
    ...(of("from") && { from: of("from") }),
    ...(of("to") && { to: of("to") }),
  };
  return {
    name: of("name"),
    severity: of("severity") === "critical" ? "critical" : "warning",
    on: whichOf(of("on"), of("on.which")),
    metric: of("when") === "presence" ? null : of("metric"),
    when,
    schedule: Object.keys(schedule).length > 0 ? (schedule as RuleBody["schedule"]) : null,
    depends_on: of("depends_on") ? whichOf(of("depends_on"), of("depends_on.which")) : null,
    note: of("note"),
  };
}

function whichDraft(name: string, { device, label }: WhichDevices): RuleDraft {
  const kind = device !== undefined ? "device" : label !== undefined ? "label" : "all";
  return { [name]: kind, [`${name}.which`]: device ?? label ?? "" };
}

function whichOf(kind: string, which: string): WhichDevices {
  if (kind === "device") return { device: which };
  return kind === "label" ? { label: which } : { all: true };
}

function typedValue(typed: string, kind: ConditionField["kind"]): unknown {
  if (kind === "any" && (typed === "true" || typed === "false")) return typed === "true";
  const value = Number(typed.replace(",", "."));
  return kind === "number" && typed !== "" && Number.isFinite(value) ? value : typed;
}

/** "a.b" in objects, and "a.0" in arrays. */
function put(into: Record<string, unknown>, path: string, value: unknown): void {
  const [name = "", inner] = path.split(".");
  if (inner === undefined) into[name] = value;
  else if (/^\d$/.test(inner)) into[name] = [...((into[name] as unknown[]) ?? []), value];
  else into[name] = { ...(into[name] as object), [inner]: value };
}

function valueAt(from: unknown, path: string): string {
  let found = from;
  for (const name of path.split(".")) found = (found as Record<string, unknown> | undefined)?.[name];
  return found === undefined || found === null ? "" : String(found);
}

/** Those that are not of the condition. */
const OTHER_FIELDS = [
  ...["name", "severity", "on", "on.which", "metric", "when", "timezone", "days", "from", "to"],
  ...["depends_on", "depends_on.which", "note"],
];

/** The field at which the hub's complaint belongs: "rule.when.outside" is at "outside.0"; null: at none. */
export function fieldAt(where: string | null, draft: RuleDraft): string | null {
  if (where === null) return null;
  const path = where.replace(/^(body\.)?(rule\.)?/, "").replace(/^(when|schedule)\./, "");
  const fields = CONDITIONS[draft.when ?? ""]?.fields.map((field) => field.path) ?? [];
  const exact =
    fields.find((field) => field === path) ?? fields.find((field) => field.startsWith(`${path}.`));
  const other = path.replace(/^(on|depends_on)\..*/, "$1.which");
  return exact ?? OTHER_FIELDS.find((field) => field === other) ?? null;
}

/** The bounds of a threshold, by field; each is a line on the chart that may be dragged. */
export function boundsOf(draft: RuleDraft): readonly { readonly path: string; readonly value: number }[] {
  const paths = ["above", "below", "outside.0", "outside.1"].filter((path) =>
    CONDITIONS[draft.when ?? ""]?.fields.some((field) => field.path === path),
  );
  return paths.flatMap((path) => {
    const value = typedValue((draft[path] ?? "").trim(), "number");
    return typeof value === "number" ? [{ path, value }] : [];
  });
}
