import { useEffect, useRef, useState } from "preact/hooks";
import { browserClock } from "../live/clock";
import type { ConnectionState, LossCause } from "../live/connection";
import { clockTime } from "../paint/format";
import { usePage } from "./page";
import { lazy } from "./parts/lazy";

const nothing = () => null;
const ProxyHelp = lazy(() => import("./ProxyHelp").then((room) => room.ProxyHelp), nothing);
const ClockNote = lazy(() => import("./ClockNote").then((room) => room.ClockNote), nothing);

const LOSS_TEXT: Readonly<Record<LossCause, string>> = {
  lost: "Disconnected from the hub.",
  shutdown: "The hub is shutting down.",
  blocked:
    "The hub answers, but its live connection does not get through: " +
    "a proxy in between must pass on Upgrade and Host.",
};

/** What is wrong between the page and the hub, or with the hub; nothing while all is well. */
export function Banner() {
  const page = usePage();
  const link = page.live.connectionState.value;
  const lostAt = page.live.lostAt.value;
  // What it said last is not known to hold while it cannot be heard.
  const trouble = link.kind === "live" ? page.live.trouble.value : null;
  const said = trouble && <span>The hub says: {trouble.message}. Live readings go on.</span>;
  const isFailing = trouble?.failing;
  const step = page.live.clockStep.value;
  const cause = useLossCause(link);
  const loss = cause && LOSS_TEXT[cause];
  const kept = lostAt === null ? "" : ` Values are as of ${clockTime(lostAt)}.`;
  return (
    <section class="banners" aria-label="Connection">
      <div role="status" aria-live="polite" class={loss ? "banner banner-link" : "nothing"}>
        {loss && <span>{loss + kept}</span>}
      </div>
      {loss && (
        <div class="banner banner-retry">
          {link.kind === "waiting" ? <Countdown until={link.retryAt} /> : <span>Trying now</span>}
          {cause === "blocked" && <ProxyHelp />}
          <button type="button" class="button" onClick={() => page.live.retryNow()}>
            Try now
          </button>
        </div>
      )}
      {step && <ClockNote step={step} />}
      <div role="status" class={said && !isFailing ? "banner banner-wide" : "nothing"}>
        {!isFailing && said}
      </div>
      <div role="alert" class={isFailing ? "banner banner-wide banner-trouble" : "nothing"}>
        {isFailing && said}
      </div>
    </section>
  );
}

/** Why there is no connection, kept through every attempt until one succeeds; null while all is well. */
function useLossCause(link: ConnectionState): LossCause | null {
  const cause = useRef<LossCause | null>(null);
  if (link.kind === "waiting") cause.current = link.cause;
  else if (link.kind === "live") cause.current = null;
  return cause.current;
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
