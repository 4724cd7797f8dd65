import { useId } from "preact/hooks";
import type { AlertFilter } from "../../live/alertRest";
import type { RuleInfo } from "../../live/ruleRest";
import { usePage } from "../page";
import { Picker } from "../parts/Picker";
import { STATES } from "./alertFilter";
import { ALERT_KEYS } from "./alertKeys";

const STATE_WORD = { firing: "Firing", resolved: "Resolved", all: "All" } as const;

interface FiltersProps {
  readonly filter: AlertFilter;
  readonly rules: readonly RuleInfo[];
  readonly choose: (change: Partial<AlertFilter>) => void;
}

/** Which alerts are listed; all of it is in the link. */
export function AlertFilters({ filter, rules, choose }: FiltersProps) {
  const { fleet } = usePage().live;
  fleet.structure.value;
  const devices = Object.fromEntries([...fleet.listed()].map(({ id, name }) => [id, name]));
  const severities = { critical: "Critical", warning: "Warning" };
  return (
    <div class="alert-filters">
      <Picker
        legend="State"
        name="state"
        options={STATES}
        chosen={filter.state}
        word={(state) => STATE_WORD[state]}
        choose={(state) => choose({ state })}
      />
      <Choice
        label="Severity"
        isFirst
        value={filter.severity}
        options={severities}
        choose={(text) => choose({ severity: text === "critical" || text === "warning" ? text : null })}
      />
      <Choice
        label="Device"
        value={filter.device}
        options={devices}
        choose={(device) => choose({ device })}
      />
      <Choice
        label="Rule"
        value={filter.rule === null ? null : String(filter.rule)}
        options={Object.fromEntries(rules.map(({ id, name }) => [String(id), name]))}
        choose={(rule) => choose({ rule: rule === null ? null : Number(rule) })}
      />
      <details class="folded alert-keys">
        <summary>Keys</summary>
        <dl>
          {ALERT_KEYS.map(([keys, words]) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{words}</dd>
            </div>
          ))}
        </dl>
      </details>
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  /** `/` goes to it. */
  readonly isFirst?: boolean;
  /** null: any. One that is not among the options is shown as it is. */
  readonly value: string | null;
  readonly options: Readonly<Record<string, string>>;
  readonly choose: (value: string | null) => void;
}

function Choice({ label, isFirst, value, options, choose }: ChoiceProps) {
  const id = useId();
  const isOther = value !== null && !Object.hasOwn(options, value);
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      <select
        id={id}
        class="field"
        data-alert-filter={isFirst}
        value={value ?? ""}
        onChange={(change) => choose(change.currentTarget.value || null)}
      >
        <option value="">Any</option>
        {isOther && <option value={value}>{value}</option>}
        {Object.entries(options).map(([key, word]) => (
          <option key={key} value={key}>
            {word}
          </option>
        ))}
      </select>
    </div>
  );
}
