import { OWN_ID } from "../live/protocol";
import { AlertsButton } from "./AlertsButton";
import { lazy } from "./lazy";
import { Popover } from "./Popover";
import { usePage } from "./page";

const PreferencesPanel = lazy(() => import("./PreferencesPanel").then((room) => room.PreferencesPanel));

const LINK_WORD = {
  connecting: "Connecting",
  live: "Live",
  waiting: "Disconnected",
  signed_out: "Signed out",
} as const;

/** Name, state of the connection, and what concerns the page as a whole. */
export function Header() {
  const page = usePage();
  const link = page.live.link.value.kind;
  const isSystem = page.route.value.deviceId === OWN_ID;
  const isPaused = page.pausedAt.value !== null;
  const state = link === "live" && isPaused ? "paused" : link;
  return (
    <header class="top">
      <h1>
        <a href="#/">Sensor hub</a>
      </h1>
      <span class={`pill pill-${state}`}>
        <span class="pill-mark" aria-hidden="true" />
        {state === "paused" ? "Paused" : LINK_WORD[link]}
      </span>
      <span class="grow" />
      {!page.live.isSignedOut.value && (
        <>
          <AlertsButton />
          <a class="button quiet" href="#/system" aria-current={isSystem ? "page" : undefined}>
            System
          </a>
          <button
            type="button"
            class="button pause"
            aria-pressed={isPaused}
            onClick={() => page.togglePause()}
          >
            {isPaused ? "Resume" : "Pause"}
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
