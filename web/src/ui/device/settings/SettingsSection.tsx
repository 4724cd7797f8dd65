import { useEffect, useRef, useState } from "preact/hooks";
import type { DeviceRest } from "../../../live/deviceRest";
import { type DeviceInfo, type MetricInfo, Problem } from "../../../live/rest";
import { usePage } from "../../page";
import { Failure, useSending } from "../../parts/forms";
import { MetricDialog, type MetricTask } from "./MetricDialogs";
import { RemoveDevice } from "./RemoveDevice";
import { SettingField } from "./SettingField";
import {
  BOUND_WORD,
  BOUNDS,
  daysPath,
  metricPath,
  pathOf,
  settingsSummary,
  TIER_WORD,
  TIERS,
  type Tier,
} from "./settingsDraft";
import { type Draft, useDraft } from "./useDraft";

/** More metrics than these begin folded. */
const UNFOLDED_MAX = 3;
const UNIT_MAX = 50;
const TASKS: readonly Task[] = [
  ["rename", "Rename"],
  ["retype", "Change type"],
  ["remove", "Remove"],
];
type Task = readonly [kind: MetricTask["kind"], word: string];
const SPANS = { hub: "As the hub is configured", ever: "For ever", days: "For a number of days" } as const;

interface SettingsProps {
  readonly rest: DeviceRest;
  readonly info: DeviceInfo;
  /** What is not of its metrics, and to remove something, takes the right for devices. */
  readonly mayManage: boolean;
}

/** The settings of a device and its metrics: one form, saved whole or not at all. */
export function SettingsSection({ rest, info, mayManage }: SettingsProps) {
  const page = usePage();
  const draft = useDraft(info);
  useEffect(() => void page.live.refreshOpened(), [page]);
  const form = useRef<HTMLFormElement>(null);
  const [task, setTask] = useState<MetricTask | null>(null);
  const { failure, isSending, isSaved, save } = useSaving(rest, draft, form);
  return (
    <>
      <form
        ref={form}
        class="settings"
        aria-label="Device settings"
        noValidate
        onSubmit={(submitted) => {
          submitted.preventDefault();
          void save();
        }}
      >
        {mayManage && <DeviceFields draft={draft} />}
        {mayManage && <RetentionFields draft={draft} />}
        {info.metrics.length === 0 && <p class="small">Its metrics can be set once it has sent some.</p>}
        {info.metrics.map((metric) => (
          <MetricFields
            key={metric.name}
            draft={draft}
            metric={metric}
            isUnfolded={info.metrics.length <= UNFOLDED_MAX}
            tasks={mayManage ? TASKS : TASKS.filter(([kind]) => kind !== "remove")}
            begin={(kind) => setTask({ kind, metric })}
          />
        ))}
        <Failure reason={failure} />
        <SaveBar draft={draft} isSaved={isSaved} isSending={isSending} />
      </form>
      {mayManage && <RemoveDevice rest={rest} info={info} />}
      {task && <MetricDialog rest={rest} task={task} close={() => setTask(null)} />}
    </>
  );
}

/** Sends the changes. What the hub refuses is shown at its field, and the first fault gets the focus. */
function useSaving(rest: DeviceRest, draft: Draft, form: { readonly current: HTMLFormElement | null }) {
  const page = usePage();
  const { failure, isSending, send } = useSending();
  const [isSaved, setSaved] = useState(false);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (turn > 0) form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  }, [turn, form]);
  const save = async () => {
    setSaved(false);
    if (!draft.check()) return setTurn((before) => before + 1);
    const { change } = draft;
    await send(async () => {
      try {
        page.live.fleet.describe(await rest.change(change));
        draft.discard();
        setSaved(true);
      } catch (error) {
        if (error instanceof Problem && error.where !== null) {
          draft.refuse(pathOf(error.where, change), error.message);
          setTurn((before) => before + 1);
        }
        throw error;
      }
    });
  };
  return { failure, isSending, isSaved: isSaved && draft.changed.length === 0, save };
}

function SaveBar(props: { draft: Draft; isSaved: boolean; isSending: boolean }) {
  const { draft, isSaved, isSending } = props;
  const count = draft.changed.length;
  const said =
    count === 0 ? (isSaved ? "Saved" : "") : `${count} unsaved ${count === 1 ? "change" : "changes"}`;
  return (
    <div class="save-bar">
      <span role="status">{said}</span>
      <span class="grow" />
      <button type="button" class="button" disabled={count === 0 || isSending} onClick={draft.discard}>
        Discard
      </button>
      <button type="submit" class="button primary" disabled={count === 0 || isSending}>
        Save
      </button>
    </div>
  );
}

function DeviceFields({ draft }: { draft: Draft }) {
  return (
    <fieldset>
      <legend>Device</legend>
      <div class="fields">
        <SettingField of={draft.field("name")} label="Name" />
        <SettingField
          of={draft.field("expected_interval_s")}
          label="Expected interval, s"
          inputMode="decimal"
          hint="How often it sends. When it is silent for much longer, it is stale."
        />
      </div>
      <SettingField of={draft.field("labels")} label="Labels" isLong hint="One a line, like hall=North" />
    </fieldset>
  );
}

function RetentionFields({ draft }: { draft: Draft }) {
  return (
    <fieldset>
      <legend>How long readings are kept</legend>
      <div class="fields tiers">
        {TIERS.map((tier) => (
          <TierFields key={tier} draft={draft} tier={tier} />
        ))}
      </div>
    </fieldset>
  );
}

function TierFields({ draft, tier }: { draft: Draft; tier: Tier }) {
  const kind = draft.field(`retention.${tier}`);
  return (
    <div class="tier">
      <SettingField of={kind} label={TIER_WORD[tier]} choices={SPANS} />
      {kind.text === "days" && (
        <SettingField
          of={draft.field(daysPath(tier))}
          label={`${TIER_WORD[tier]}, days`}
          inputMode="decimal"
        />
      )}
    </div>
  );
}

interface MetricFieldsProps {
  readonly draft: Draft;
  readonly metric: MetricInfo;
  readonly isUnfolded: boolean;
  readonly tasks: readonly Task[];
  /** Opens the dialog for it. */
  readonly begin: (kind: MetricTask["kind"]) => void;
}

function MetricFields({ draft, metric, isUnfolded, tasks, begin }: MetricFieldsProps) {
  const [isOpen, setOpen] = useState(isUnfolded);
  const field = (name: string) => draft.field(metricPath(metric.name, name));
  const names = ["unit", "decimals", "minimum", "maximum", ...BOUNDS];
  const isFaulty = names.some((name) => field(name).fault !== undefined);
  const changed = names.filter((name) => field(name).isChanged).length;
  return (
    <details
      class="metric-settings"
      open={isOpen || isFaulty}
      onToggle={(toggle) => setOpen(toggle.currentTarget.open)}
    >
      <summary>
        <strong>{metric.name}</strong>
        <span class="small">{settingsSummary(metric)}</span>
        {changed > 0 && <span class="changed">{changed} unsaved</span>}
      </summary>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset's legend cannot be the summary */}
      <div class="metric-fields" role="group" aria-label={`Settings of ${metric.name}`}>
        <SettingField of={field("unit")} label="Unit" maxLength={UNIT_MAX} />
        {metric.type === "number" && (
          <>
            <SettingField of={field("decimals")} label="Decimals" inputMode="numeric" />
            <SettingField of={field("minimum")} label="Refuse below" inputMode="decimal" />
            <SettingField of={field("maximum")} label="Refuse above" inputMode="decimal" />
            {BOUNDS.map((bound) => (
              <SettingField key={bound} of={field(bound)} label={BOUND_WORD[bound]} inputMode="decimal" />
            ))}
          </>
        )}
      </div>
      <div class="metric-tasks">
        {tasks.map(([kind, word]) => (
          <button key={kind} type="button" class="button" onClick={() => begin(kind)}>
            {word}
          </button>
        ))}
      </div>
    </details>
  );
}
