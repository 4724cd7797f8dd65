import { useMemo, useState } from "preact/hooks";
import { hasPasskeys } from "../../live/passkeys";
import { SessionRest } from "../../live/sessionRest";
import { usePage } from "../page";
import { Failure, Form, useSending } from "../parts/forms";
import { grantWords } from "./grantWords";
import { NewPassword } from "./NewPassword";
import { PasskeyList } from "./PasskeyList";
import { PasswordField, typedPassword } from "./PasswordField";
import { SessionList } from "./SessionList";

/** What is one's own: what one may, password, passkeys, where one is logged in, and the way out. */
export function AccountView() {
  const page = usePage();
  const rest = useMemo(() => new SessionRest(page.live.rest), [page]);
  const session = page.live.session.value;
  if (!session) return null;
  return (
    <>
      <div class="section-head">
        <p>
          You are <strong>{session.name}</strong>: {session.grants.map(grantWords).join("; ")}.
        </p>
        <button type="button" class="button" onClick={() => void page.live.logOut()}>
          Log out
        </button>
      </div>
      {session.origin.startsWith("oidc:") ? (
        <p>How you log in, and what you may, is set where you come from: {session.origin.slice(5)}.</p>
      ) : (
        <>
          <PasswordForm rest={rest} hasPassword={session.confirm_by.includes("password")} />
          {hasPasskeys() && <PasskeyList rest={rest} />}
        </>
      )}
      <SessionList rest={rest} />
    </>
  );
}

function PasswordForm({ rest, hasPassword }: { rest: SessionRest; hasPassword: boolean }) {
  const page = usePage();
  const { failure, isSending, send } = useSending();
  const [turn, setTurn] = useState(0);
  const submit = async (form: HTMLFormElement) => {
    const old = hasPassword ? typedPassword(form, "old") : null;
    const isSet = await send(async () => {
      await rest.setPassword(old, typedPassword(form, "new"));
      await page.live.refreshSession();
    });
    if (isSet) setTurn((before) => before + 1);
  };
  return (
    <>
      <div class="section-head">
        <h3>{hasPassword ? "Change the password" : "Set a password"}</h3>
      </div>
      <Form key={turn} label="Password" submit={(_, form) => submit(form)}>
        <input hidden name="name" autocomplete="username" value={page.live.session.peek()?.name} readOnly />
        {hasPassword && <PasswordField label="Old password" name="old" kind="current-password" />}
        <NewPassword />
        <Failure reason={failure} />
        <div class="send-foot">
          <span role="status" class="small">
            {turn > 0 && failure === null && "The password is set. Your other sessions have ended."}
          </span>
          <span class="grow" />
          <button type="submit" class="button primary" disabled={isSending}>
            {hasPassword ? "Change password" : "Set password"}
          </button>
        </div>
      </Form>
    </>
  );
}
