import { useLayoutEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../live/fleet";
import { PresenceMark } from "./PresenceMark";
import { usePage } from "./page";
import { PRESENCE_WAS, PRESENCE_WORD } from "./words";

/** One device in large: its values and, whenever it is not plainly online, since when it is not. */
export function WallTile({ device }: { device: DeviceRecord }) {
  const page = usePage();
  page.live.fleet.structure.value;
  const tile = useRef<HTMLLIElement>(null);
  const spark = useRef<HTMLCanvasElement>(null);
  const age = useRef<HTMLSpanElement>(null);
  const { metrics: wished, groupBy } = page.list.value;
  const metrics = wished.length ? wished.map((name) => device.shownMetric(name)) : [device.shownMetric(null)];
  const [first] = metrics;
  const shown = JSON.stringify(metrics.map((metric) => [metric?.name, metric?.unit, metric?.decimals]));
  useLayoutEffect(() => {
    if (!tile.current || !age.current) return;
    const values = [...tile.current.querySelectorAll<HTMLElement>(".number")].map((element, index) => ({
      element,
      metric: metrics[index]?.name,
      unit: metrics[index]?.unit,
      decimals: metrics[index]?.decimals ?? null,
    }));
    const drawn =
      spark.current && first?.type === "number" ? { canvas: spark.current, metric: first.name } : null;
    if (drawn) page.sparks.want(device, drawn.metric);
    return page.rows.add({ device, values, spark: drawn, age: age.current });
  }, [page, device, shown]);
  const words = page.live.lostAt.value === null ? PRESENCE_WORD : PRESENCE_WAS;
  const group = groupBy === null ? undefined : device.info?.labels[groupBy];
  return (
    <li ref={tile} class={`wall-tile wall-${device.presence}`} data-values={metrics.length}>
      <h2 class="ellipsis">{device.name}</h2>
      <p class="wall-group ellipsis">{group ?? " "}</p>
      <div class="wall-values">
        {metrics.map((metric, index) => (
          <div key={wished[index] ?? ""} class="wall-value">
            <span class="number ellipsis" />
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
