import { OWN_ID } from "../live/protocol";
import { AccountButton } from "./AccountButton";
import { AlertsButton } from "./AlertsButton";
import { InboxButton } from "./InboxButton";
import { usePage } from "./page";
import { ConnectionPill } from "./parts/ConnectionPill";
import { lazy } from "./parts/lazy";
import { Popover } from "./parts/Popover";
import { hashOf } from "./route";

const PreferencesPanel = lazy(() => import("./PreferencesPanel").then((room) => room.PreferencesPanel));

/** Name, state of the connection, and what concerns the page as a whole. */
export function Header() {
  const page = usePage();
  const route = page.route.value;
  const isSystem = route.deviceId === OWN_ID;
  const isPaused = page.pausedAt.value !== null;
  return (
    <header class="top">
      <h1>
        <a href="#/">Sensor hub</a>
      </h1>
      <ConnectionPill />
      <span class="grow" />
      {!page.live.isLoggedOut.value && (
        <>
          <AlertsButton />
          <InboxButton />
          {page.rights.value.mayForAll("metrics:scrape") && (
            <a class="button quiet system-link" href="#/system" aria-current={isSystem ? "page" : undefined}>
              System
            </a>
          )}
          <a class="button quiet wall-link" href={hashOf({ ...route, deviceId: null, isWall: true })}>
            Wall
          </a>
          <button
            type="button"
            class="button pause"
            aria-pressed={isPaused}
            onClick={() => page.togglePause()}
          >
            <span class="narrow-only" aria-hidden="true">
              {isPaused ? "▶" : "❚❚"}
            </span>
            <span class="word">{isPaused ? "Resume" : "Pause"}</span>
          </button>
        </>
      )}
      <Popover title="Preferences" button={<PreferencesIcon />} buttonClass="button icon-button">
        <PreferencesPanel />
      </Popover>
      {!page.live.isLoggedOut.value && <AccountButton />}
    </header>
  );
}

/** Two sliders. */
function PreferencesIcon() {
  return (
    <>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M1 5h7M12 5h3M1 11h3M8 11h7" />
        <circle cx="10" cy="5" r="2" />
        <circle cx="6" cy="11" r="2" />
      </svg>
      <span class="unseen">Preferences</span>
    </>
  );
}
