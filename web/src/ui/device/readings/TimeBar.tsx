import { useEffect, useRef } from "preact/hooks";
import type { DeviceWatch } from "../../../live/watch";
import { age, clockTime } from "../../../paint/format";
import { setText } from "../../../paint/rowPainters";
import { usePage } from "../../page";
import { hashOf } from "../../route";
import { SCRUB_MS, shownAt } from "./scrub";

const STEP_MS = 1_000;

/** A slider over the last hour: first through the readings that the page holds, then into history. */
export function TimeBar({ watch }: { watch: DeviceWatch }) {
  const page = usePage();
  const slider = useRef<HTMLInputElement>(null);
  const label = useRef<HTMLOutputElement>(null);
  const isPaused = page.pausedAt.value !== null;
  const windowMs = page.route.value.windowS * 1000;
  const say = (at: number, now: number) => {
    const isLive = shownAt(at, now, 0, 0).kind === "live";
    const text = isLive ? "Live" : `${clockTime(at)}, ${age(now - at)}`;
    slider.current?.setAttribute("aria-valuetext", text);
    if (label.current) setText(label.current, text);
  };
  const moveOn = () => {
    const now = page.live.hubClock.now();
    if (!slider.current || slider.current.matches(":active")) return;
    // In this order: the browser keeps a value between the two others.
    slider.current.max = String(now);
    slider.current.min = String(now - SCRUB_MS);
    slider.current.value = String(page.viewNow());
    say(page.viewNow(), now);
  };
  useEffect(() => {
    moveOn();
    const timer = setInterval(moveOn, STEP_MS);
    return () => clearInterval(timer);
  }, [page, isPaused]);
  const scrub = (isLetGo: boolean) => {
    const now = page.live.hubClock.now();
    const at = Number(slider.current?.value);
    const shown = shownAt(at, now, watch.heldFrom, windowMs);
    if (shown.kind === "live") page.pauseAt(null);
    else if (shown.kind === "held") page.pauseAt(shown.at);
    else if (isLetGo) {
      const { from, to } = shown;
      page.pauseAt(null);
      location.hash = hashOf({ ...page.route.peek(), range: { from, to } });
    }
    say(at, now);
  };
  return (
    <div class="time-bar">
      <input
        ref={slider}
        type="range"
        step={STEP_MS}
        aria-label="Moment shown"
        onInput={() => scrub(false)}
        onChange={() => scrub(true)}
      />
      <output ref={label} class="small" aria-live="off" />
      <button type="button" class="button" disabled={!isPaused} onClick={() => page.pauseAt(null)}>
        Back to live
      </button>
    </div>
  );
}
