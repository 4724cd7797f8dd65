import { useMemo, useState } from "preact/hooks";
import { type RuleInfo, RuleRest } from "../../live/ruleRest";
import { SeverityMark } from "../AlertsDrawer";
import { usePage } from "../page";
import { Confirm } from "../parts/Confirm";
import { Failure, useSending } from "../parts/forms";
import { Loaded, useLoaded } from "../parts/Loaded";
import { lazy } from "../parts/lazy";
import { hashOf } from "../route";
import { useMaySetRule } from "./mayRule";
import { ruleWords, scheduleWords, whichWords } from "./ruleWords";

const RuleEditor = lazy(() => import("./RuleEditor").then((room) => room.RuleEditor));

/** What people are told of. Managers change it, the others read it. */
export function RulesView({ open }: { open: string | undefined }) {
  const page = usePage();
  const rest = useMemo(() => new RuleRest(page.live.rest), [page]);
  const rules = useLoaded(() => rest.rules());
  const maySet = useMaySetRule();
  const [leaving, setLeaving] = useState<RuleInfo | null>(null);
  const { failure, isSending, send } = useSending();
  const turn = ({ id, enabled }: RuleInfo) =>
    send(async () => {
      await rest.change(id, { enabled: !enabled });
      await rules.reload();
    });
  const here = page.route.value;
  if (open !== undefined && page.rights.value.may("rules:write")) {
    return (
      <Loaded of={rules}>
        {(found) => {
          const rule = found.find(({ id }) => String(id) === open);
          if (!rule && open !== "new") return <p class="message">There is no rule {open}.</p>;
          return <RuleEditor rest={rest} rule={rule ?? null} />;
        }}
      </Loaded>
    );
  }
  return (
    <>
      {page.rights.value.may("rules:write") && (
        <div class="section-head">
          <p class="small">A rule is tried over the past before it is saved.</p>
          <a
            class="button primary"
            href={hashOf({ ...here, alerts: { view: "rules", query: { rule: "new" } } })}
          >
            Add a rule
          </a>
        </div>
      )}
      <Failure reason={failure} />
      <Loaded of={rules}>
        {(found) => (
          <>
            {found.length === 0 && (
              <p class="message">There are no rules. Thresholds of metrics open alerts without any.</p>
            )}
            <ul class="records" aria-label="Rules">
              {found.map((rule) => (
                <RuleRecord
                  key={rule.id}
                  of={rule}
                  isSending={isSending}
                  turn={maySet(rule.on) ? () => void turn(rule) : null}
                  remove={() => setLeaving(rule)}
                />
              ))}
            </ul>
          </>
        )}
      </Loaded>
      {leaving && (
        <Confirm
          title={`Remove ${leaving.name}?`}
          text="Its alerts that are open end at once. Those that are over stay listed."
          act="Remove"
          run={async () => {
            await rest.remove(leaving.id);
            await rules.reload();
          }}
          close={() => setLeaving(null)}
        />
      )}
    </>
  );
}

interface RuleRecordProps {
  readonly of: RuleInfo;
  readonly isSending: boolean;
  /** Switches it on or off; null where it is not one's own to change. */
  readonly turn: (() => void) | null;
  readonly remove: () => void;
}

function RuleRecord({ of: rule, isSending, turn, remove }: RuleRecordProps) {
  const page = usePage();
  const { id, name, enabled } = rule;
  const alerts = { view: "alerts", query: { state: "all", rule: String(id) } } as const;
  return (
    <li class="record person" data-over={!enabled}>
      <SeverityMark severity={rule.severity} />
      <div class="person-facts">
        <strong>{name}</strong> {!enabled && <span class="small">off</span>}
        <p>
          {ruleWords(rule)}, {whichWords(rule.on)}
        </p>
        <p class="small">
          {[
            rule.severity,
            rule.schedule && scheduleWords(rule.schedule),
            rule.depends_on && `not while ${whichWords(rule.depends_on)} is gone`,
            `last changed by ${rule.by || "the hub"}`,
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
      </div>
      <div class="record-tasks">
        <a class="button" aria-label={`Alerts of ${name}`} href={hashOf({ ...page.route.value, alerts })}>
          Alerts
        </a>
        {turn && (
          <>
            <a
              class="button"
              aria-label={`Change ${name}`}
              href={hashOf({ ...page.route.value, alerts: { view: "rules", query: { rule: String(id) } } })}
            >
              Change
            </a>
            <button
              type="button"
              class="button"
              disabled={isSending}
              aria-pressed={enabled}
              aria-label={`${name} is on`}
              onClick={turn}
            >
              {enabled ? "On" : "Off"}
            </button>
            <button type="button" class="button danger" aria-label={`Remove ${name}`} onClick={remove}>
              Remove
            </button>
          </>
        )}
      </div>
    </li>
  );
}
