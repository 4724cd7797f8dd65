import { useLayoutEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../live/fleet";
import type { MetricInfo } from "../live/rest";
import { PresenceMark } from "./PresenceMark";
import { usePage } from "./page";
import { hashOf } from "./route";
import { PRESENCE_WAS, PRESENCE_WORD } from "./words";

interface RowProps {
  readonly id: string;
  readonly device: DeviceRecord;
  readonly rowIndex: number;
  readonly isActive: boolean;
  readonly isOpen: boolean;
  readonly open: () => void;
}

/** One device in the grid. Its structure is rendered; value, sparkline and age are painted. */
export function DeviceRow({ id, device, rowIndex, isActive, isOpen, open }: RowProps) {
  const page = usePage();
  page.live.fleet.structure.value;
  const wished = page.wishedMetric.value;
  const metric = device.shownMetric(wished);
  const words = page.live.lostAt.value === null ? PRESENCE_WORD : PRESENCE_WAS;
  const { value, spark, age } = usePainted(device, metric);
  return (
    <div
      id={id}
      role="row"
      class={`row${isActive ? " is-active" : ""}`}
      aria-rowindex={rowIndex}
      aria-selected={isOpen}
      onClick={open}
    >
      <NameCell device={device} />
      <div role="gridcell" class="cell-value">
        <div ref={value} class="number ellipsis" />
        <div class="small ellipsis">
          {metric?.name ?? (wished === null ? "no reading yet" : "not measured")}
        </div>
      </div>
      <div role="gridcell" class="cell-spark">
        <canvas ref={spark} class="spark" aria-hidden="true" />
        <span class="unseen">{metric?.type === "number" ? "sparkline" : "none"}</span>
      </div>
      <div role="gridcell" class="cell-state">
        <div class="state-word">
          <PresenceMark presence={device.presence} />
          {words[device.presence]}
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

/** The cells that are painted rather than rendered, for as long as the row is in the document. */
function usePainted(device: DeviceRecord, metric: MetricInfo | undefined) {
  const page = usePage();
  const value = useRef<HTMLDivElement>(null);
  const spark = useRef<HTMLCanvasElement>(null);
  const age = useRef<HTMLDivElement>(null);
  const { name, unit, type, decimals = null } = metric ?? {};
  useLayoutEffect(() => {
    if (!value.current || !spark.current || !age.current) return;
    if (name !== undefined && type === "number") page.sparks.want(device, name);
    const cells = { value: value.current, spark: spark.current, age: age.current };
    return page.rows.add({ device, metric: name, unit, decimals, ...cells });
  }, [page, device, name, unit, decimals, type]);
  return { value, spark, age };
}
