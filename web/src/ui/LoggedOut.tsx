import { useState } from "preact/hooks";
import { usePage } from "./page";

/**
 * Says how to log in. The page checks again when its tab is shown, so a link opened in another tab is
 * enough.
 */
export function LoggedOut() {
  const page = usePage();
  const [hasAsked, setHasAsked] = useState(false);
  const isRefused = hasAsked && page.live.connectionState.value.kind === "logged_out";
  const logIn = () => {
    setHasAsked(true);
    page.live.retryNow();
  };
  return (
    <main class="alone">
      <section class="panel message">
        <h2>You are logged out</h2>
        <p>To log in, run this where the hub runs:</p>
        <pre>
          <code>hub login</code>
        </pre>
        <p>It prints a link that logs this browser in. The link works once.</p>
        <button type="button" class="button primary" onClick={logIn}>
          I have logged in
        </button>
        <p role="status">{isRefused ? "This browser is still logged out." : " "}</p>
      </section>
    </main>
  );
}
