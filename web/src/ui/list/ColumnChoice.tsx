import style from "../../styles/choices.css?inline";
import { METRICS_MAX } from "../listView";
import { usePage } from "../page";
import { adoptStyle } from "../parts/adoptStyle";
import { metricNames } from "./listing";

adoptStyle(style);

/** Which metrics the list has a column for; with none chosen, each device shows its first. */
export function ColumnChoice() {
  const page = usePage();
  const { fleet } = page.live;
  fleet.structure.value;
  const { metrics } = page.list.value;
  const names = [...new Set([...metrics, ...metricNames(fleet.listed())])];
  const isFull = metrics.length >= METRICS_MAX;
  const choose = (name: string, isChosen: boolean) => {
    const others = metrics.filter((metric) => metric !== name);
    page.arrange({ metrics: isChosen ? [...others, name] : others });
  };
  return (
    <fieldset class="choices">
      <legend>Metrics shown, up to {METRICS_MAX}</legend>
      {names.length === 0 && <p class="small">No device has sent a reading yet.</p>}
      {names.map((name) => {
        const isChosen = metrics.includes(name);
        return (
          <label key={name} class="choice">
            <input
              type="checkbox"
              checked={isChosen}
              disabled={isFull && !isChosen}
              onChange={(change) => choose(name, change.currentTarget.checked)}
            />
            <span class="ellipsis">{name}</span>
          </label>
        );
      })}
      <p class="small">If you choose none, each device shows its first.</p>
    </fieldset>
  );
}
