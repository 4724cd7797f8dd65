import type { DeviceRecord } from "../../live/fleet";
import { usePage } from "../page";
import { PaintedValue } from "../parts/PaintedValue";
import { PresenceMark } from "../parts/PresenceMark";
import { usePainted } from "../parts/usePainted";
import { PRESENCE_WAS, PRESENCE_WORD } from "../parts/words";
import { hashOf } from "../route";

interface RowProps {
  readonly id: string;
  readonly device: DeviceRecord;
  readonly rowIndex: number;
  readonly isActive: boolean;
  /** In a list of groups, how deep; undefined in a plain list. */
  readonly level: number | undefined;
}

/** One device in the grid. Its structure is rendered; values, sparkline and age are painted. */
export function DeviceRow({ id, device, rowIndex, isActive, level }: RowProps) {
  const page = usePage();
  page.live.fleet.structure.value;
  const wished = page.list.value.metrics;
  const metrics = wished.length ? wished.map((name) => device.shownMetric(name)) : [device.shownMetric(null)];
  const words = page.live.lostAt.value === null ? PRESENCE_WORD : PRESENCE_WAS;
  const { frame, spark, age } = usePainted<HTMLDivElement, HTMLDivElement>(device, metrics);
  const hasSpark = metrics[0]?.type === "number";
  return (
    <div
      ref={frame}
      id={id}
      role="row"
      class={`row${isActive ? " is-active" : ""}`}
      aria-level={level}
      aria-rowindex={rowIndex}
      aria-selected={page.route.value.deviceId === device.id}
      onClick={() => {
        location.hash = hashOf({ ...page.route.peek(), deviceId: device.id });
      }}
    >
      <NameCell device={device} />
      {metrics.map((metric, index) => (
        <div key={wished[index] ?? ""} role="gridcell" class="cell-value">
          <div class="figure">
            <PaintedValue />
          </div>
          {wished.length < 2 && (
            <div class="small ellipsis">
              {metric?.name ?? (wished[0] ? "not measured" : "no reading yet")}
            </div>
          )}
        </div>
      ))}
      {wished.length < 2 && (
        <div role="gridcell" class="cell-spark">
          <canvas key={metrics[0]?.name ?? ""} ref={spark} class="spark" aria-hidden="true" />
          <span class="unseen">{hasSpark ? "sparkline" : "none"}</span>
        </div>
      )}
      <div role="gridcell" class="cell-state">
        <div class="state-word">
          <PresenceMark presence={device.presence} />
          <span>{words[device.presence]}</span>
        </div>
        <div ref={age} class="small" />
      </div>
    </div>
  );
}

function NameCell({ device }: { device: DeviceRecord }) {
  const page = usePage();
  page.live.fleet.structure.value;
  const labels = Object.values(device.info?.labels ?? {}).join(", ");
  return (
    <div role="gridcell" class="cell-name">
      <a
        href={hashOf({ ...page.route.value, deviceId: device.id })}
        tabIndex={-1}
        class="ellipsis"
        title={device.name}
        onClick={(click) => click.stopPropagation()}
      >
        {device.name}
      </a>
      <div class="small ellipsis">{labels || (device.name === device.id ? " " : device.id)}</div>
    </div>
  );
}
