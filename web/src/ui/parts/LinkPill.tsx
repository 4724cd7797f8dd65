import { usePage } from "../page";

const LINK_WORD = {
  connecting: "Connecting",
  live: "Live",
  waiting: "Disconnected",
  signed_out: "Signed out",
} as const;

/** How the page is connected to the hub, by shape and word. */
export function LinkPill() {
  const page = usePage();
  const link = page.live.link.value.kind;
  const state = link === "live" && page.pausedAt.value !== null ? "paused" : link;
  return (
    <span class={`pill pill-${state}`}>
      <span class="pill-mark" aria-hidden="true" />
      {state === "paused" ? "Paused" : LINK_WORD[link]}
    </span>
  );
}
