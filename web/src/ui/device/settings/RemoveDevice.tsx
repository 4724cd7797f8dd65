import { useState } from "preact/hooks";
import type { DeviceRest } from "../../../live/deviceRest";
import type { DeviceInfo } from "../../../live/rest";
import { usePage } from "../../page";
import { Dialog } from "../../parts/Dialog";
import { Failure, Field, Form, useSending } from "../../parts/forms";
import { hashOf } from "../../route";

interface RemoveProps {
  readonly rest: DeviceRest;
  readonly info: DeviceInfo;
}

/** Removes the device, after asking. */
export function RemoveDevice({ rest, info }: RemoveProps) {
  const [isAsking, setAsking] = useState(false);
  return (
    <section class="remove" aria-label="Remove the device">
      <div>
        <h3>Remove this device</h3>
        <p class="small">With its keys and all its readings. This cannot be undone.</p>
      </div>
      <button type="button" class="button danger" onClick={() => setAsking(true)}>
        Remove device
      </button>
      {isAsking && <RemoveDialog rest={rest} info={info} close={() => setAsking(false)} />}
    </section>
  );
}

function RemoveDialog({ rest, info, close }: RemoveProps & { readonly close: () => void }) {
  const page = usePage();
  const { failure, isSending, send } = useSending();
  const [typed, setTyped] = useState("");
  const remove = () =>
    send(async () => {
      await rest.remove();
      location.hash = hashOf({ ...page.route.peek(), deviceId: null });
    });
  const isSure = typed.trim() === info.id;
  return (
    <Dialog title={`Remove ${info.name || info.id}?`} close={close}>
      <Form submit={() => isSure && remove()}>
        <p>What is lost for good:</p>
        <ul class="losses">
          <li>all its readings, of {metricCount(info)}, and what was refused</li>
          <li>its API keys: whatever uses one is disconnected at once and not let in again</li>
          <li>its commands, attributes and settings</li>
        </ul>
        <div onInput={(input) => setTyped((input.target as HTMLInputElement).value)}>
          <Field label={`Type ${info.id} to confirm`} name="confirmed" />
        </div>
        <Failure reason={failure} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button danger" disabled={!isSure || isSending}>
            Remove for good
          </button>
        </div>
      </Form>
    </Dialog>
  );
}

function metricCount({ metrics }: DeviceInfo): string {
  if (metrics.length === 0) return "no metrics yet";
  return metrics.length === 1 ? "1 metric" : `${metrics.length} metrics`;
}
