import { useEffect, useState } from "preact/hooks";
import { browserClock } from "../live/clock";
import type { LinkState } from "../live/connection";
import { clockTime } from "../paint/format";
import { usePage } from "./page";

/** What is wrong between the page and the hub, or with the hub; nothing while all is well. */
export function Banner() {
  const page = usePage();
  const link = page.live.link.value;
  const lostAt = page.live.lostAt.value;
  const trouble = page.live.trouble.value;
  const isFirst = link.kind === "connecting" && lostAt === null;
  const text = isFirst ? "" : sentence(link, lostAt);
  return (
    <section class="banners" aria-label="Connection">
      <div role="status" aria-live="polite" class={text ? "banner banner-link" : "nothing"}>
        {text && <span>{text}</span>}
      </div>
      {link.kind === "waiting" && (
        <div class="banner banner-retry">
          <Countdown until={link.retryAt} />
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

function sentence(link: LinkState, lostAt: number | null): string {
  const kept = lostAt === null ? "" : ` Values are as of ${clockTime(lostAt)}.`;
  if (link.kind === "connecting") return `Reconnecting to the hub.${kept}`;
  if (link.kind !== "waiting") return "";
  return link.isShutdown ? `The hub is shutting down.${kept}` : `Disconnected from the hub.${kept}`;
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
