import { useState } from "preact/hooks";
import type { DeviceRest, KeyInfo, MadeKey } from "../../live/deviceRest";
import { moment } from "../../paint/format";
import { Confirm } from "../parts/Confirm";
import { Copyable } from "../parts/Copyable";
import { Dialog } from "../parts/Dialog";
import { Failure, useSending } from "../parts/forms";
import { Loaded, useLoaded } from "../parts/Loaded";

/** A device's API keys: made, shown once, revoked. */
export function KeysSection({ rest }: { rest: DeviceRest }) {
  const keys = useLoaded(() => rest.keys());
  const [made, setMade] = useState<MadeKey | null>(null);
  const [revoking, setRevoking] = useState<KeyInfo | null>(null);
  const { failure, send } = useSending();
  const add = () =>
    send(async () => {
      setMade(await rest.addKey());
      await keys.reload();
    });
  const revoke = async (key: KeyInfo) => {
    await rest.revokeKey(key.id);
    await keys.reload();
  };
  return (
    <>
      <div class="section-head">
        <h3>API keys</h3>
        <button type="button" class="button" data-after-dialog onClick={() => void add()}>
          Add key
        </button>
      </div>
      <Failure reason={failure} />
      <Loaded of={keys}>
        {(found) => (
          <ul class="records">
            {found.map((key) => (
              <KeyRecord key={key.id} of={key} revoke={() => setRevoking(key)} />
            ))}
          </ul>
        )}
      </Loaded>
      {made && <MadeDialog made={made} close={() => setMade(null)} />}
      {revoking && (
        <Confirm
          title={`Revoke key ${revoking.id}?`}
          text="Whoever uses it is disconnected at once and not let in again. This cannot be undone."
          act="Revoke"
          run={() => revoke(revoking)}
          close={() => setRevoking(null)}
        />
      )}
    </>
  );
}

function MadeDialog({ made, close }: { made: MadeKey; close: () => void }) {
  return (
    <Dialog title="The new key" close={close}>
      <div class="form">
        <Copyable name="API key" text={made.key} />
        <p>It is shown this once. The device's other keys go on working until they are revoked.</p>
        <button type="button" class="button primary" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

function KeyRecord({ of: key, revoke }: { of: KeyInfo; revoke: () => void }) {
  const from = key.last_used_from ? ` from ${key.last_used_from}` : "";
  const used = key.last_used_at ? `last used ${moment(key.last_used_at)}${from}` : "never used";
  return (
    <li class="record">
      <div class="record-head">
        <code>{`hk_${key.id}_…`}</code>
        <span class="grow" />
        {key.revoked_at ? (
          <span>Revoked {moment(key.revoked_at)}</span>
        ) : (
          <button type="button" class="button" aria-label={`Revoke ${key.id}`} onClick={revoke}>
            Revoke
          </button>
        )}
      </div>
      <p class="small">
        Made {moment(key.created_at)} · {used}
      </p>
    </li>
  );
}
