import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { hasPasskeys, passkeyFault } from "../../live/passkeys";
import { Problem, Unreachable } from "../../live/rest";
import { type Provider, SessionRest, type Ways } from "../../live/sessionRest";
import { usePage } from "../page";
import { Failure, Form, useSending } from "../parts/forms";
import { useLoaded } from "../parts/Loaded";
import { keepWanted } from "../wanted";
import { PasswordField, typedPassword } from "./PasswordField";

const ONLY_PASSWORD: Ways = { password: true, passkey: false, providers: [] };

/**
 * Lets somebody in, by all ways that the hub knows. The address stays, so that they go where they wanted to.
 * The page checks again when its tab is shown: a one-time link opened in another tab is enough.
 */
export function LogIn() {
  const page = usePage();
  const rest = useMemo(() => new SessionRest(page.live.rest), [page]);
  const loaded = useLoaded(() => rest.ways()).state;
  const ways = loaded.kind === "ready" ? loaded.value : ONLY_PASSWORD;
  const { isEntering, isRefused, enter } = useEntering();
  const wait = useWait();
  const form = useRef<HTMLFormElement | null>(null);
  const { failure, isSending, send } = useSending((error) => wait.begin(error) ?? explain(error));
  const show = async (request: () => Promise<void>) => {
    if (await send(request)) enter();
    else form.current?.querySelector<HTMLInputElement>("[name=password]")?.select();
  };
  const isBusy = isSending || isEntering || wait.leftS > 0;
  return (
    <section class="panel log-in" aria-labelledby="log-in-title">
      <h2 id="log-in-title">Log in</h2>
      <EndedNote />
      {ways.password && (
        <Form
          label="Log in"
          submit={(field, submitted) => {
            form.current = submitted;
            return show(() => rest.logIn(field("name"), typedPassword(submitted, "password")));
          }}
        >
          <NameField />
          <PasswordField label="Password" name="password" kind="current-password" />
          <Failure reason={failure} />
          <button type="submit" class="button primary" disabled={isBusy}>
            {wait.leftS > 0 ? `Again in ${wait.leftS} s` : isBusy ? "Logging in" : "Log in"}
          </button>
        </Form>
      )}
      {isRefused && <Failure reason="The hub let you in, but this browser did not keep its cookie." />}
      <OtherWays ways={ways} isBusy={isBusy} byPasskey={() => void show(() => rest.logInByPasskey())} />
      <ByLink />
    </section>
  );
}

/** The hub's words are for programs, too; these are for the one who just typed. */
function explain(error: unknown): string | null {
  if (error instanceof Problem && error.status === 401) return "The name or the password is wrong.";
  if (error instanceof Unreachable) return "The hub does not answer. Try again in a moment.";
  return passkeyFault(error);
}

/** Where a session has ended while the page was open: whose, and that nothing is lost. */
function EndedNote() {
  const page = usePage();
  const session = page.live.session.value;
  if (!session) return null;
  return (
    <p role="status">
      Your session as {session.name} is over. Log in again to go on where you were; what you typed is still
      there.
    </p>
  );
}

function NameField() {
  const page = usePage();
  const known = page.live.session.peek()?.name ?? "";
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const form = input.current?.form;
    (known ? form?.querySelector<HTMLInputElement>("[name=password]") : input.current)?.focus();
  }, [known]);
  return (
    <div class="form-field">
      <label for="log-in-name">Name</label>
      <input
        ref={input}
        id="log-in-name"
        name="name"
        class="field"
        type="text"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        defaultValue={known}
      />
    </div>
  );
}

function OtherWays(props: { ways: Ways; isBusy: boolean; byPasskey: () => void }) {
  const { ways, isBusy, byPasskey } = props;
  const isByPasskey = ways.passkey && hasPasskeys();
  if (!isByPasskey && ways.providers.length === 0) return null;
  return (
    <div class="other-ways">
      {isByPasskey && (
        <button type="button" class="button" disabled={isBusy} onClick={byPasskey}>
          Log in with a passkey
        </button>
      )}
      {ways.providers.map((provider) => (
        <ProviderButton key={provider.name} provider={provider} />
      ))}
    </div>
  );
}

/** Leaves the page; once back, it goes where one wanted to go. */
function ProviderButton({ provider }: { provider: Provider }) {
  const leave = () => {
    keepWanted();
    location.assign(new URL(provider.url, document.baseURI));
  };
  return (
    <button type="button" class="button" onClick={leave}>
      Log in with {provider.name}
    </button>
  );
}

/** The way in for whoever has no password yet. */
function ByLink() {
  const page = usePage();
  const [hasAsked, setHasAsked] = useState(false);
  const isRefused = hasAsked && page.live.connectionState.value.kind === "logged_out";
  const look = () => {
    setHasAsked(true);
    page.live.retryNow();
  };
  return (
    <div class="by-link small">
      <p>
        No password yet? <code>hub login</code>, run where the hub runs, prints a link that logs this browser
        in, once. An admin can make you one, too.
      </p>
      <button type="button" class="button" onClick={look}>
        I have used a link
      </button>
      <p role="status">{isRefused && "This browser is still logged out."}</p>
    </div>
  );
}

/** From the hub's yes until the page is live again. */
function useEntering() {
  const page = usePage();
  const [isAsked, setAsked] = useState(false);
  const kind = page.live.connectionState.value.kind;
  const hasTried = useRef(false);
  if (isAsked && kind === "connecting") hasTried.current = true;
  const isRefused = isAsked && hasTried.current && kind === "logged_out";
  const enter = () => {
    hasTried.current = false;
    setAsked(true);
    page.live.retryNow();
  };
  return { isEntering: isAsked && !isRefused, isRefused, enter };
}

/** Seconds until the hub wants to be asked again, where it said so. */
function useWait() {
  const [leftS, setLeft] = useState(0);
  useEffect(() => {
    if (leftS <= 0) return;
    const timer = setTimeout(() => setLeft(leftS - 1), 1000);
    return () => clearTimeout(timer);
  }, [leftS]);
  const begin = (error: unknown): string | null => {
    if (!(error instanceof Problem) || error.retryAfterS === null) return null;
    setLeft(Math.ceil(error.retryAfterS));
    return `Too many are logging in just now. Try again in ${Math.ceil(error.retryAfterS)} s.`;
  };
  return { leftS, begin };
}
