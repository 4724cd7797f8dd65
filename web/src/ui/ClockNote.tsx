import type { ClockStep } from "../live/live";
import { moment } from "../paint/format";
import { usePage } from "./page";
import { stepWords } from "./parts/clockWords";

/** Says that the hub's clock was set while the page was open: times before and after do not go together. */
export function ClockNote({ step }: { step: ClockStep }) {
  const page = usePage();
  return (
    <div role="alert" class="banner banner-trouble">
      <span>
        The hub's clock was set {stepWords(step.byMs)}, to {moment(step.at)}. Times before and after that do
        not go together.
      </span>
      <button type="button" class="button" onClick={() => page.live.clockStepNoted()}>
        OK
      </button>
    </div>
  );
}
