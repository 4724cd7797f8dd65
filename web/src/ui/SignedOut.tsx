import { useState } from "preact/hooks";
import { usePage } from "./page";

/**
 * Says how to sign in. The page checks again when its tab is shown, so a link opened in another tab is
 * enough.
 */
export function SignedOut() {
  const page = usePage();
  const [hasAsked, setHasAsked] = useState(false);
  const isRefused = hasAsked && page.live.connectionState.value.kind === "signed_out";
  const signIn = () => {
    setHasAsked(true);
    page.live.retryNow();
  };
  return (
    <main class="alone">
      <section class="panel message">
        <h2>You are signed out</h2>
        <p>To sign in, run this where the hub runs:</p>
        <pre>
          <code>hub login</code>
        </pre>
        <p>It prints a link that signs this browser in. The link works once.</p>
        <button type="button" class="button primary" onClick={signIn}>
          I have signed in
        </button>
        <p role="status">{isRefused ? "This browser is still signed out." : " "}</p>
      </section>
    </main>
  );
}
