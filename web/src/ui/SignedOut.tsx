import { usePage } from "./page";

/** No session: how to get one. The page looks again when its tab is shown, so a link opened elsewhere suffices. */
export function SignedOut() {
  const page = usePage();
  return (
    <main class="alone">
      <section class="panel message">
        <h2>You are signed out</h2>
        <p>To sign in, run this where the hub runs:</p>
        <pre>
          <code>hub login</code>
        </pre>
        <p>It prints a link that signs this browser in. The link works once.</p>
        <button type="button" class="button primary" onClick={() => page.live.retryNow()}>
          I have signed in
        </button>
      </section>
    </main>
  );
}
