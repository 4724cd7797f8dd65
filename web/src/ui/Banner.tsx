import { useEffect, useRef, useState } from "preact/hooks";
import { browserClock } from "../live/clock";
import type { ConnectionState } from "../live/connection";
import { clockTime } from "../paint/format";
import { usePage } from "./page";

/** What is wrong between the page and the hub, or with the hub; nothing while all is well. */
export function Banner() {
  const page = usePage();
  const link = page.live.connectionState.value;
  const lostAt = page.live.lostAt.value;
  const trouble = page.live.trouble.value;
  const loss = useLoss(link);
  const kept = lostAt === null ? "" : ` Values are as of ${clockTime(lostAt)}.`;
  return (
    <section class="banners" aria-label="Connection">
      <div role="status" aria-live="polite" class={loss ? "banner banner-link" : "nothing"}>
        {loss && <span>{loss + kept}</span>}
      </div>
      {loss && (
        <div class="banner banner-retry">
          {link.kind === "waiting" ? <Countdown until={link.retryAt} /> : <span>Trying now</span>}
          <button type="button" class="button" onClick={() => page.live.retryNow()}>
            Try now
          </button>
        </div>
      )}
      <div role="alert" class={trouble ? "banner banner-trouble" : "nothing"}>
        {trouble && <span>The hub says: {trouble}. Live readings go on.</span>}
      </div>
    </section>
  );
}

/** Why there is no connection, kept through every attempt until one succeeds; "" while all is well. */
function useLoss(link: ConnectionState): string {
  const said = useRef("");
  if (link.kind === "waiting") {
    said.current = link.isShutdown ? "The hub is shutting down." : "Disconnected from the hub.";
  } else if (link.kind === "live") {
    said.current = "";
  }
  return said.current;
}

/** Seconds left, outside of what is announced: a screen reader need not hear each. */
function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(browserClock.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(browserClock.now()), 250);
    return () => clearInterval(timer);
  }, []);
  return <span class="countdown">Trying again in {Math.max(0, Math.ceil((until - now) / 1000))} s</span>;
}
