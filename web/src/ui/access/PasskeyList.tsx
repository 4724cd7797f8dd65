import { useState } from "preact/hooks";
import { passkeyFault } from "../../live/passkeys";
import type { PasskeyInfo, SessionRest } from "../../live/sessionRest";
import { usePage } from "../page";
import { Confirm } from "../parts/Confirm";
import { Dialog } from "../parts/Dialog";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { Loaded, useLoaded } from "../parts/Loaded";
import { Ago } from "./Ago";

/** One's passkeys: added with a name, so that a lost one is known, and removed. */
export function PasskeyList({ rest }: { rest: SessionRest }) {
  const page = usePage();
  const passkeys = useLoaded(() => rest.passkeys());
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<PasskeyInfo | null>(null);
  const reload = async () => {
    await passkeys.reload();
    await page.live.refreshSession();
  };
  const remove = async (id: string) => {
    await rest.removePasskey(id);
    await reload();
  };
  return (
    <>
      <div class="section-head">
        <h3>Passkeys</h3>
        <button type="button" class="button" data-after-dialog onClick={() => setAdding(true)}>
          Add a passkey
        </button>
      </div>
      <Loaded of={passkeys}>
        {(found) =>
          found.length === 0 ? (
            <p class="small">
              None yet. With one you log in by fingerprint, face or PIN, without a password.
            </p>
          ) : (
            <ul class="records" aria-label="Passkeys">
              {found.map((one) => (
                <PasskeyRecord key={one.id} of={one} remove={() => setRemoving(one)} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {isAdding && <AddPasskey rest={rest} close={() => setAdding(false)} added={reload} />}
      {removing && (
        <Confirm
          title={`Remove the passkey ${removing.name}?`}
          text="It logs nobody in any more. The device that holds it may go on offering it."
          act="Remove"
          run={() => remove(removing.id)}
          close={() => setRemoving(null)}
        />
      )}
    </>
  );
}

function AddPasskey(props: { rest: SessionRest; close: () => void; added: () => Promise<void> }) {
  const { rest, close, added } = props;
  const { failure, isSending, send } = useSending(passkeyFault);
  const add = async (name: string) => {
    const isAdded = await send(async () => {
      await rest.addPasskey(name);
      await added();
    });
    if (isAdded) close();
  };
  return (
    <Dialog title="Add a passkey" close={close}>
      <Form submit={(field) => add(field("name"))}>
        <Field
          label="Name"
          name="name"
          required
          maxLength={100}
          hint="What it is on, so that you know it again."
          placeholder="Phone"
        />
        <p>The browser asks next where to keep it, and who you are.</p>
        <Failure reason={failure} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={isSending}>
            Go on
          </button>
        </div>
      </Form>
    </Dialog>
  );
}

function PasskeyRecord({ of: passkey, remove }: { of: PasskeyInfo; remove: () => void }) {
  return (
    <li class="record">
      <div class="record-head">
        <strong>{passkey.name}</strong>
        <span class="grow" />
        <button type="button" class="button" aria-label={`Remove ${passkey.name}`} onClick={remove}>
          Remove
        </button>
      </div>
      <p class="small">
        Added <Ago time={passkey.since} none="some time ago" />
        {" · "}
        {passkey.last_used === null ? "not used yet" : "last used "}
        {passkey.last_used !== null && <Ago time={passkey.last_used} none="" />}
      </p>
    </li>
  );
}
