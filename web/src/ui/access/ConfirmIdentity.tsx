import { useEffect, useMemo, useRef } from "preact/hooks";
import { hasPasskeys, passkeyFault } from "../../live/passkeys";
import { SessionRest } from "../../live/sessionRest";
import { usePage } from "../page";
import { Dialog } from "../parts/Dialog";
import { Failure, Form, useSending } from "../parts/forms";
import { useLoaded } from "../parts/Loaded";
import { PasswordField, typedPassword } from "./PasswordField";

/** Asks once more who it is, before something that the hub guards; what was asked for then goes on. */
export function ConfirmIdentity() {
  const page = usePage();
  const { confirmation } = page.live.rest;
  const rest = useMemo(() => new SessionRest(page.live.rest), [page]);
  const { failure, isSending, send } = useSending(passkeyFault);
  const session = page.live.session.value;
  const ways = session?.confirm_by ?? [];
  const isByPassword = ways.includes("password");
  const isByPasskey = ways.includes("passkey") && hasPasskeys();
  const show = async (request: () => Promise<void>) => {
    if (await send(request)) confirmation.answer(true);
  };
  const leave = () => confirmation.answer(false);
  const isLoggedOut = page.live.isLoggedOut.value;
  const wasLoggedOut = useRef(false);
  useEffect(() => {
    // A new log in shows it as well.
    if (wasLoggedOut.current && !isLoggedOut) confirmation.answer(true);
    wasLoggedOut.current = isLoggedOut;
  }, [isLoggedOut, confirmation]);
  return (
    <Dialog title="Confirm that it is you" close={leave}>
      <Form submit={(_, form) => show(() => rest.confirm(typedPassword(form, "password")))}>
        <p>
          Keys, tokens and people are changed only by somebody who has shown in the last minutes who they are.
          What you asked for goes on right after.
        </p>
        {isByPassword && (
          <>
            {/* For password managers, which look for whose password it is. */}
            <input hidden name="name" autocomplete="username" value={session?.name} readOnly />
            <PasswordField label="Your password" name="password" kind="current-password" />
          </>
        )}
        {!isByPassword && !isByPasskey && <NoWay rest={rest} />}
        <Failure reason={failure} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={leave}>
            Cancel
          </button>
          {isByPasskey && (
            <button
              type="button"
              class="button"
              disabled={isSending}
              onClick={() => void show(() => rest.confirmByPasskey())}
            >
              Use a passkey
            </button>
          )}
          {isByPassword && (
            <button type="submit" class="button primary" disabled={isSending}>
              Confirm
            </button>
          )}
        </div>
      </Form>
    </Dialog>
  );
}

/** A new log in shows it, too: in another tab, so that nothing of this one is lost. */
function NoWay({ rest }: { rest: SessionRest }) {
  const loaded = useLoaded(() => rest.ways()).state;
  const providers = loaded.kind === "ready" ? loaded.value.providers : [];
  return (
    <>
      <p>
        You have nothing to show here, so log in once more, in another tab of this browser, and come back.
        What you asked for goes on then.
      </p>
      {providers.map(({ name, url }) => (
        <a key={name} class="button" href={url} target="_blank" rel="noopener">
          Log in with {name}
        </a>
      ))}
      <p class="small">
        A one-time link does, too: <code>hub login</code>, run where the hub runs, or one that an admin makes.
        A password can be set under Account.
      </p>
    </>
  );
}
