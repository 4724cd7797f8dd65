import { useEffect, useRef } from "preact/hooks";
import accessStyle from "../../styles/access.css?inline";
import alertStyle from "../../styles/alerts.css?inline";
import choicesStyle from "../../styles/choices.css?inline";
import sectionStyle from "../../styles/section.css?inline";
import { usePage } from "../page";
import { adoptStyle } from "../parts/adoptStyle";
import { lazy } from "../parts/lazy";
import { ALERT_VIEWS, ALERT_WORD, type AlertPlace, hashOf } from "../route";
import { AlertsView } from "./AlertsView";

const RulesView = lazy(() => import("./RulesView").then((room) => room.RulesView));

adoptStyle(sectionStyle);
adoptStyle(choicesStyle);
adoptStyle(accessStyle);
adoptStyle(alertStyle);

/** Alerts, or the rules they come from. */
export function AlertRoom({ place }: { place: AlertPlace }) {
  const page = usePage();
  const route = page.route.value;
  const { view } = place;
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), [view]);
  return (
    <div class="panel access">
      <header class="access-head">
        <a class="button" href={hashOf({ ...route, alerts: null })}>
          <span aria-hidden="true">‹</span> Devices
        </a>
        <h2 ref={title} tabIndex={-1}>
          {ALERT_WORD[view]}
        </h2>
      </header>
      <nav class="sections" aria-label="Alerts and rules">
        {ALERT_VIEWS.map((one) => (
          <a
            key={one}
            href={hashOf({ ...route, alerts: { view: one, query: {} } })}
            aria-current={one === view ? "page" : undefined}
          >
            {ALERT_WORD[one]}
          </a>
        ))}
      </nav>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too */}
      <section class="section" tabIndex={0} aria-label={ALERT_WORD[view]} key={view}>
        {view === "alerts" ? (
          <AlertsView query={place.query} />
        ) : (
          <RulesView key={place.query.rule} open={place.query.rule} />
        )}
      </section>
    </div>
  );
}
