import { useMemo, useState } from "preact/hooks";
import { Problem } from "../../live/rest";
import type { RuleInfo, RuleRest } from "../../live/ruleRest";
import { SettingField } from "../device/settings/SettingField";
import { usePage } from "../page";
import { Failure, Form, useSending } from "../parts/forms";
import { Picker } from "../parts/Picker";
import { hashOf } from "../route";
import { RulePreview } from "./RulePreview";
import { CONDITIONS, fieldAt, NEW_RULE, type RuleDraft, ruleDraftOf, ruleOf } from "./ruleDraft";

const HOUR_MS = 3_600_000;
const SPANS_MS = { "1 h": HOUR_MS, "1 d": 24 * HOUR_MS, "7 d": 168 * HOUR_MS };
type SpanWord = keyof typeof SPANS_MS;
const WHICH = { all: "all devices", device: "a device", label: "devices with a label" };

interface EditorProps {
  readonly rest: RuleRest;
  /** null: a new one. */
  readonly rule: RuleInfo | null;
}

/** A rule as a form, and what it would have said. */
export function RuleEditor({ rest, rule }: EditorProps) {
  const page = usePage();
  const [draft, setDraft] = useState<RuleDraft>(() => (rule ? ruleDraftOf(rule) : newDraft(page)));
  const [fault, setFault] = useState<unknown>(null);
  const [length, setLength] = useState<SpanWord>("1 h");
  const to = useMemo(() => Math.ceil(page.live.hubClock.now()), [length]);
  const { failure, isSending, send } = useSending();
  const edit = (name: string, text: string) => setDraft((before) => ({ ...before, [name]: text }));
  const problem = fault instanceof Problem ? fault : null;
  const at = fieldAt(problem?.where ?? null, draft);
  const input = (name: string, label: string, more: object = {}) => (
    <SettingField
      key={name}
      label={label}
      of={{
        name,
        text: draft[name] ?? "",
        isChanged: false,
        fault: at === name ? problem?.message : undefined,
        edit: (text) => edit(name, text),
        enter: () => {},
      }}
      {...more}
    />
  );
  const save = () =>
    send(async () => {
      try {
        const body = ruleOf(draft);
        if (rule) await rest.change(rule.id, body);
        else await rest.add({ ...body, enabled: true, remind_s: null });
      } catch (error) {
        setFault(error);
        throw error;
      }
      location.hash = hashOf({ ...page.route.peek(), alerts: { view: "rules", query: {} } });
    });
  const device = shownDevice(page, draft);
  const range = { from: to - SPANS_MS[length], to };
  return (
    <Form label={rule ? "Change the rule" : "New rule"} submit={save}>
      <div class="rule-fields">
        {input("name", "Name", { maxLength: 200 })}
        {input("severity", "Severity", { choices: { warning: "Warning", critical: "Critical" } })}
        {input("on", "For", { choices: WHICH })}
        {draft.on !== "all" &&
          input("on.which", draft.on === "label" ? "Label, as hall=North" : "Device, by id")}
        {draft.when !== "presence" && input("metric", "Metric")}
        {input("when", "Fires when it", { choices: WORDS })}
        {CONDITIONS[draft.when ?? ""]?.fields.map(({ path, label, isOptional }) =>
          input(path, label, isOptional ? { hint: "may be left empty" } : {}),
        )}
      </div>
      <details class="folded">
        <summary>Schedule, dependence, note</summary>
        <div class="rule-fields">
          {input("timezone", "Time zone", { hint: "such as Europe/Berlin" })}
          {input("days", "Days", { hint: "such as mon, tue; empty is every day" })}
          {input("from", "From", { hint: "such as 22:00" })}
          {input("to", "To", { hint: "such as 06:00" })}
          {input("depends_on", "Not while gone", {
            choices: { "": "–", device: WHICH.device, label: WHICH.label },
          })}
          {draft.depends_on && input("depends_on.which", "Which")}
          {input("note", "Note", { isLong: true, maxLength: 4000 })}
        </div>
      </details>
      <Picker
        legend="Tried over the last"
        name="length"
        options={Object.keys(SPANS_MS) as SpanWord[]}
        chosen={length}
        word={(one) => one}
        choose={setLength}
      />
      <RulePreview
        key={`${device} ${draft.metric} ${length}`}
        rest={rest}
        draft={draft}
        deviceId={device}
        range={range}
        edit={edit}
        refused={setFault}
      />
      <Failure reason={failure ?? (at === null ? (problem?.message ?? null) : null)} />
      <div class="dialog-foot">
        <a class="button" href={hashOf({ ...page.route.value, alerts: { view: "rules", query: {} } })}>
          Cancel
        </a>
        <button type="submit" class="button primary" disabled={isSending}>
          Save
        </button>
      </div>
    </Form>
  );
}

const WORDS = Object.fromEntries(Object.entries(CONDITIONS).map(([kind, { word }]) => [kind, word]));

type PageOf = ReturnType<typeof usePage>;

/** For the first device with a number, where one may not set rules for all. */
function newDraft({ live, rights }: PageOf): RuleDraft {
  const [own] = [...live.fleet.listed()].filter(
    ({ info }) => info && rights.peek().mayFor("rules:write", info),
  );
  const metric = own?.shownMetric(null)?.name ?? "";
  if (!own || rights.peek().mayForAll("rules:write")) return { ...NEW_RULE, metric };
  return { ...NEW_RULE, metric, on: "device", "on.which": own.id };
}

/** The first device that the rule is for and that has its metric. */
function shownDevice({ live }: PageOf, draft: RuleDraft): string {
  live.fleet.structure.value;
  const { on, "on.which": which = "" } = draft;
  const [key = "", ...value] = which.split("=");
  const found = [...live.fleet.listed()].find((device) => {
    const isMeant =
      on === "all" || (on === "device" ? device.id === which : device.info?.labels[key] === value.join("="));
    return isMeant && device.metric(draft.metric ?? "");
  });
  return found?.id ?? "";
}
