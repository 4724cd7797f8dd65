import { useState } from "preact/hooks";
import type { AlertDetail, AlertRest, NewSilence } from "../../live/alertRest";
import { moment } from "../../paint/format";
import { usePage } from "../page";
import { Dialog } from "../parts/Dialog";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { Picker } from "../parts/Picker";

const HOUR_MS = 3_600_000;
const SPANS = { "1 hour": HOUR_MS, "4 hours": 4 * HOUR_MS, "1 day": 24 * HOUR_MS, "7 days": 168 * HOUR_MS };
type SpanName = keyof typeof SPANS;

interface AcknowledgeProps {
  readonly rest: AlertRest;
  readonly alerts: readonly AlertDetail[];
  readonly close: () => void;
  readonly done: () => void;
}

/** Says of alerts that somebody has seen them. */
export function Acknowledge({ rest, alerts, close, done }: AcknowledgeProps) {
  const { failure, isSending, send } = useSending();
  const acknowledge = async (comment: string) => {
    const isDone = await send(async () => {
      const ids = alerts.map(({ id }) => id);
      const left = await rest.acknowledge(ids, comment);
      if (left.length > 0) throw new Error(`${left.length} of ${ids.length} are not there, or not yours.`);
    });
    if (isDone) done();
  };
  const [first] = alerts;
  return (
    <Dialog title="Acknowledge" close={close}>
      <Form submit={(field) => acknowledge(field("comment"))}>
        <p>{alerts.length === 1 && first ? first.name : `${alerts.length} alerts`}</p>
        <Field label="Comment" name="comment" hint="May be left empty." maxLength={1000} />
        <Failure reason={failure} />
        <AskFoot act="Acknowledge" isSending={isSending} close={close} />
      </Form>
    </Dialog>
  );
}

interface SilenceProps {
  readonly rest: AlertRest;
  /** Where it is to be silent: its device, a label of that, or its rule. */
  readonly alert: AlertDetail;
  readonly close: () => void;
  readonly done: () => Promise<void>;
}

/** Nobody is told for a while; alerts open and are listed all the same. */
export function SilenceDialog({ rest, alert, close, done }: SilenceProps) {
  const page = usePage();
  const targets = useTargets(alert);
  const [target, setTarget] = useState(Object.keys(targets)[0] ?? "");
  const [length, setLength] = useState<SpanName>("1 hour");
  const { failure, isSending, send } = useSending();
  const until = page.live.hubClock.now() + SPANS[length];
  const silence = async (comment: string) => {
    const what = targets[target];
    if (what && (await send(() => rest.silence({ ...what.body, until, comment } as NewSilence))))
      await done();
  };
  return (
    <Dialog title="Silence" close={close}>
      <Form submit={(field) => silence(field("comment"))}>
        <Picker
          legend="What"
          name="what"
          options={Object.keys(targets)}
          chosen={target}
          word={(one) => targets[one]?.word ?? one}
          choose={setTarget}
        />
        <Picker
          legend="How long"
          name="length"
          options={Object.keys(SPANS) as SpanName[]}
          chosen={length}
          word={(one) => one}
          choose={setLength}
        />
        <p class="small">Until {moment(until)}. Alerts are listed all the same; nobody is told of them.</p>
        <Field label="Comment" name="comment" maxLength={1000} placeholder="repairs" />
        <Failure reason={failure} />
        <AskFoot act="Silence" isSending={isSending} close={close} />
      </Form>
    </Dialog>
  );
}

type SilenceTarget = { readonly word: string; readonly body: object };

/** What one may silence of an alert. */
function useTargets(alert: AlertDetail): Readonly<Record<string, SilenceTarget>> {
  const { live, rights } = usePage();
  const info = live.fleet.get(alert.device)?.info;
  const labels = Object.entries(info?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const targets: Record<string, SilenceTarget> = {};
  targets.device = { word: `Device ${info?.name || alert.device}`, body: { device: alert.device } };
  for (const label of labels.filter((one) => rights.value.mayForLabel("notes:write", one))) {
    targets[`label ${label}`] = { word: `All with ${label}`, body: { label } };
  }
  if (alert.rule !== null && rights.value.mayForAll("notes:write")) {
    targets.rule = { word: `Rule ${alert.name}`, body: { rule: alert.rule } };
  }
  return targets;
}

/** Cancel, and what the form does. */
function AskFoot({ act, isSending, close }: { act: string; isSending: boolean; close: () => void }) {
  return (
    <div class="dialog-foot">
      <button type="button" class="button" onClick={close}>
        Cancel
      </button>
      <button type="submit" class="button primary" disabled={isSending}>
        {act}
      </button>
    </div>
  );
}
