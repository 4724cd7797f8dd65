import { count } from "../paint/format";
import { usePage } from "./page";

/** How many devices and alerts need looking at; opens the drawer that lists them. New alerts are read out. */
export function AlertsButton() {
  const page = usePage();
  const { fleet, alerts } = page.live;
  fleet.structure.value;
  const troubled = fleet.count("offline") + fleet.count("stale");
  const unseen = alerts.unseen.value;
  const all = troubled + unseen;
  return (
    <>
      <button
        type="button"
        class="button alerts-button"
        aria-haspopup="dialog"
        data-some={all > 0}
        onClick={() => {
          page.isAlertsOpen.value = true;
        }}
      >
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
          <path d="M3 12h10l-1.4-2V7a3.6 3.6 0 0 0-7.2 0v3zM6.5 14h3" />
        </svg>
        <span class="wide-only">Alerts</span> <span class="alerts-count">{count(all)}</span>
      </button>
      <span aria-live="polite" class="unseen">
        {unseen > 0 && `${count(unseen)} new ${unseen === 1 ? "alert" : "alerts"}`}
      </span>
    </>
  );
}
