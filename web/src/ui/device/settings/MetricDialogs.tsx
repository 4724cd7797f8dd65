import { useState } from "preact/hooks";
import type { DeviceRest, MetricEdited } from "../../../live/deviceRest";
import type { MetricInfo } from "../../../live/rest";
import { count } from "../../../paint/format";
import { usePage } from "../../page";
import { Dialog } from "../../parts/Dialog";
import { Failure, Field, Form, useSending } from "../../parts/forms";
import { Loaded, useLoaded } from "../../parts/Loaded";

type MetricType = MetricInfo["type"];

/** What is being done to a metric as a whole. */
export interface MetricTask {
  readonly kind: "rename" | "retype" | "remove";
  readonly metric: MetricInfo;
}

interface TaskProps {
  readonly rest: DeviceRest;
  readonly metric: MetricInfo;
  readonly close: () => void;
}

const TYPES: readonly MetricType[] = ["number", "text", "boolean"];
const TYPE_WORD: Readonly<Record<MetricType, string>> = {
  number: "a number",
  text: "a text",
  boolean: "true or false",
};

export function MetricDialog({ rest, task, close }: Omit<TaskProps, "metric"> & { task: MetricTask }) {
  const shared = { rest, metric: task.metric, close };
  if (task.kind === "rename") return <RenameDialog {...shared} />;
  return task.kind === "retype" ? <TypeDialog {...shared} /> : <RemoveMetricDialog {...shared} />;
}

/** Sends a change, asks for the device anew, and closes the dialog. */
function useChange(close: () => void) {
  const page = usePage();
  const { failure, isSending, send } = useSending();
  const change = (request: () => Promise<unknown>) =>
    send(async () => {
      await request();
      await page.live.refreshOpened();
      close();
    });
  return { failure, isSending, change };
}

function RenameDialog({ rest, metric, close }: TaskProps) {
  const { failure, isSending, change } = useChange(close);
  return (
    <Dialog title={`Rename ${metric.name}`} close={close}>
      <Form submit={(field) => change(() => rest.editMetric(metric.name, { name: field("name") }, false))}>
        <Field
          label="New name"
          name="name"
          defaultValue={metric.name}
          required
          hint="Its history goes with it. A device that goes on sending the old name begins a new metric."
        />
        <Failure reason={failure} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={isSending}>
            Rename
          </button>
        </div>
      </Form>
    </Dialog>
  );
}

function TypeDialog({ rest, metric, close }: TaskProps) {
  const others = TYPES.filter((type) => type !== metric.type);
  const [type, setType] = useState(others[0] as MetricType);
  return (
    <Dialog title={`Change the type of ${metric.name}`} close={close}>
      <div class="form">
        <fieldset class="picker">
          <legend>It is {TYPE_WORD[metric.type]} now, and is to be</legend>
          {others.map((other) => (
            <label key={other}>
              <input type="radio" name="type" checked={other === type} onChange={() => setType(other)} />
              <span>{TYPE_WORD[other]}</span>
            </label>
          ))}
        </fieldset>
        <TypePreview key={type} rest={rest} metric={metric} type={type} close={close} />
      </div>
    </Dialog>
  );
}

/** What would become of the values stored, and the button that does it. */
function TypePreview({ rest, metric, type, close }: TaskProps & { readonly type: MetricType }) {
  const preview = useLoaded(() => rest.editMetric(metric.name, { type }, true));
  const { failure, isSending, change } = useChange(close);
  return (
    <Loaded of={preview}>
      {(found) => (
        <>
          <Losses found={found} type={type} />
          <Failure reason={failure} />
          <div class="dialog-foot">
            <button type="button" class="button" onClick={close}>
              Cancel
            </button>
            <button
              type="button"
              class={found.lost > 0 ? "button danger" : "button primary"}
              disabled={isSending}
              onClick={() => void change(() => rest.editMetric(metric.name, { type }, false))}
            >
              {found.lost > 0 ? `Change, and lose ${count(found.lost)}` : "Change"}
            </button>
          </div>
        </>
      )}
    </Loaded>
  );
}

function Losses({ found, type }: { found: MetricEdited; type: MetricType }) {
  const { values, lost, examples } = found;
  if (values === 0) return <p>It has no stored values.</p>;
  if (lost === 0) {
    return (
      <p>
        {values === 1 ? "The 1 value" : `All ${count(values)} values`} stored can be read as {TYPE_WORD[type]}
        .
      </p>
    );
  }
  return (
    <>
      <p>
        Of {count(values)} values stored, {count(lost)} cannot be read as {TYPE_WORD[type]} and are lost for
        good:
      </p>
      <ul class="losses">
        {examples.map((one) => (
          <li key={one.value}>
            <code>{one.value}</code> × {count(one.count)}
          </li>
        ))}
        {examples.reduce((sum, one) => sum + one.count, 0) < lost && <li>and others</li>}
      </ul>
    </>
  );
}

function RemoveMetricDialog({ rest, metric, close }: TaskProps) {
  const values = useLoaded(() => rest.valuesOf(metric.name));
  const { failure, isSending, change } = useChange(close);
  return (
    <Dialog title={`Remove ${metric.name}?`} close={close}>
      <Loaded of={values}>
        {(stored) => (
          <div class="form">
            <p>
              With it {stored === 1 ? "goes the 1 value" : `go the ${count(stored)} values`} stored, for good.
              If the device sends it again, it is a new metric.
            </p>
            <Failure reason={failure} />
            <div class="dialog-foot">
              <button type="button" class="button" onClick={close}>
                Cancel
              </button>
              <button
                type="button"
                class="button danger"
                disabled={isSending}
                onClick={() => void change(() => rest.removeMetric(metric.name))}
              >
                Remove for good
              </button>
            </div>
          </div>
        )}
      </Loaded>
    </Dialog>
  );
}
