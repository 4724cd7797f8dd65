import { OWN_ID } from "../live/protocol";
import { AlertsButton } from "./AlertsButton";
import { usePage } from "./page";
import { LinkPill } from "./parts/LinkPill";
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
      <LinkPill />
      <span class="grow" />
      {!page.live.isSignedOut.value && (
        <>
          <AlertsButton />
          <a class="button quiet" href="#/system" aria-current={isSystem ? "page" : undefined}>
            System
          </a>
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
    </header>
  );
}

/** Two sliders. */
function PreferencesIcon() {
  return (
    <>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M1 5h7M12 5h3M1 11h3M8 11h7M8 5a2 2 0 1 0 4 0a2 2 0 1 0-4 0M4 11a2 2 0 1 0 4 0a2 2 0 1 0-4 0" />
      </svg>
      <span class="unseen">Preferences</span>
    </>
  );
}
