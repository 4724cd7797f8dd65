import { useState } from "preact/hooks";
import type { DeviceRest } from "../../../live/deviceRest";
import type { DeviceInfo } from "../../../live/rest";
import { usePage } from "../../page";
import { TypedConfirm } from "../../parts/TypedConfirm";
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
  const remove = async () => {
    await rest.remove();
    location.hash = hashOf({ ...page.route.peek(), deviceId: null });
  };
  return (
    <TypedConfirm title={`Remove ${info.name || info.id}?`} word={info.id} run={remove} close={close}>
      <p>What is lost for good:</p>
      <ul class="losses">
        <li>all its readings, of {metricCount(info)}, and what was refused</li>
        <li>its API keys: whatever uses one is disconnected at once and not let in again</li>
        <li>its commands, attributes and settings</li>
      </ul>
    </TypedConfirm>
  );
}

function metricCount({ metrics }: DeviceInfo): string {
  if (metrics.length === 0) return "no metrics yet";
  return metrics.length === 1 ? "1 metric" : `${metrics.length} metrics`;
}
