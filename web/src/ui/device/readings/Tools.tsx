import type { MetricInfo } from "../../../live/rest";
import { usePage } from "../../page";
import { lazy } from "../../parts/lazy";
import { Popover } from "../../parts/Popover";
import { hashOf, WINDOWS_S, type WindowSeconds } from "../../route";
import type { Opened } from "../opened";

const CompareChoice = lazy(() => import("./CompareChoice").then((room) => room.CompareChoice));

const LOOK_BACK_MS = 3_600_000;

interface ToolsProps {
  readonly opened: readonly Opened[];
  readonly metrics: readonly MetricInfo[];
}

/** Window, a look back, table or chart, and what can be saved. */
export function Tools({ opened, metrics }: ToolsProps) {
  const page = usePage();
  const route = page.route.value;
  const { range, isTable } = route;
  const saveCsv = async () => {
    const { saveRangeAsCsv, saveWindowAsCsv } = await import("./csv");
    if (range) await saveRangeAsCsv(page.live.rest, opened, range);
    else saveWindowAsCsv(opened, page.viewNow(), route.windowS);
  };
  const savePng = async () => {
    const { saveAsPng } = await import("./png");
    const cards = document.querySelector<HTMLElement>(".cards");
    if (cards) saveAsPng(cards, opened.map(({ device }) => device.name).join(", "));
  };
  const lookBack = () => {
    const to = Math.round(page.live.hubClock.now());
    location.hash = hashOf({ ...route, range: { from: to - LOOK_BACK_MS, to } });
  };
  const isEmpty = !metrics.some((metric) => metric.type === "number");
  return (
    <div class="device-tools">
      {!range && <WindowPicker />}
      {!range && (
        <button type="button" class="button" disabled={isEmpty} onClick={lookBack}>
          History
        </button>
      )}
      {opened.every(({ device }) => device.info?.counted) && (
        <Popover title="Compare with other devices" button="Compare">
          <CompareChoice metrics={metrics} />
        </Popover>
      )}
      <a class="button" href={hashOf({ ...route, isTable: !isTable })}>
        {isTable ? "Chart" : "Table"}
      </a>
      <button type="button" class="button" disabled={isEmpty} onClick={() => void saveCsv()}>
        CSV
      </button>
      <button type="button" class="button" disabled={isEmpty || isTable} onClick={() => void savePng()}>
        PNG
      </button>
    </div>
  );
}

function WindowPicker() {
  const page = usePage();
  const route = page.route.value;
  const title = (seconds: WindowSeconds) => (seconds < 120 ? `${seconds} s` : `${seconds / 60} min`);
  return (
    <fieldset class="picker">
      <legend class="unseen">Window</legend>
      {WINDOWS_S.map((windowS) => (
        <label key={windowS}>
          <input
            type="radio"
            name="window"
            checked={route.windowS === windowS}
            onChange={() => location.replace(hashOf({ ...route, windowS }))}
          />
          <span>{title(windowS)}</span>
        </label>
      ))}
    </fieldset>
  );
}
