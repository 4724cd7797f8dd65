import { usePage } from "../page";

const CONNECTION_WORD = {
  connecting: "Connecting",
  live: "Live",
  waiting: "Disconnected",
  logged_out: "Logged out",
} as const;

/** How the page is connected to the hub, by shape and word. */
export function ConnectionPill() {
  const page = usePage();
  const link = page.live.connectionState.value.kind;
  const state = link === "live" && page.pausedAt.value !== null ? "paused" : link;
  return (
    <span class={`pill pill-${state}`}>
      <span class="pill-mark" aria-hidden="true" />
      {state === "paused" ? "Paused" : CONNECTION_WORD[link]}
    </span>
  );
}
