import { usePage } from "./page";
import { ThemeButton } from "./ThemeButton";

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
        <button type="button" class="button pause" aria-pressed={isPaused} onClick={() => page.togglePause()}>
          {isPaused ? "Resume" : "Pause"}
        </button>
      )}
      <ThemeButton />
      {link === "live" && (
        <button type="button" class="button quiet" onClick={() => void page.live.signOut()}>
          Sign out
        </button>
      )}
    </header>
  );
}
