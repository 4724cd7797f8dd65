import type { DeviceRecord } from "../../live/fleet";
import { usePage } from "../page";
import { PaintedValue } from "../parts/PaintedValue";
import { PresenceMark } from "../parts/PresenceMark";
import { usePainted } from "../parts/usePainted";
import { PRESENCE_WAS, PRESENCE_WORD } from "../parts/words";

/** One device in large: its values, its state, and when it was last seen. */
export function WallTile({ device }: { device: DeviceRecord }) {
  const page = usePage();
  page.live.fleet.structure.value;
  const { metrics: wished, groupBy } = page.list.value;
  const metrics = wished.length ? wished.map((name) => device.shownMetric(name)) : [device.shownMetric(null)];
  const { frame, spark, age } = usePainted<HTMLLIElement, HTMLSpanElement>(device, metrics);
  const words = page.live.lostAt.value === null ? PRESENCE_WORD : PRESENCE_WAS;
  const group = groupBy === null ? undefined : device.info?.labels[groupBy];
  return (
    <li ref={frame} class={`wall-tile wall-${device.presence}`} data-values={metrics.length}>
      <h2 class="ellipsis">{device.name}</h2>
      <p class="wall-group ellipsis">{group ?? " "}</p>
      <div class="wall-values">
        {metrics.map((metric, index) => (
          <div key={wished[index] ?? ""} class="wall-value">
            <PaintedValue />
            <span class="wall-metric ellipsis">{metric?.name ?? wished[index] ?? "no reading yet"}</span>
          </div>
        ))}
      </div>
      {metrics.length === 1 && <canvas ref={spark} class="wall-spark" aria-hidden="true" />}
      <p class="wall-state">
        <PresenceMark presence={device.presence} />
        <span>{words[device.presence]}</span>
        <span ref={age} class="wall-age" />
      </p>
    </li>
  );
}
