import { useLayoutEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../../live/fleet";
import { type MetricInfo, NO_THRESHOLDS } from "../../live/rest";
import { usePage } from "../page";

/**
 * Keeps a device's values (each a `PaintedValue`), sparkline and age painted while its `frame` is in the
 * document.
 */
export function usePainted<Frame extends HTMLElement, Age extends HTMLElement>(
  device: DeviceRecord,
  metrics: readonly (MetricInfo | undefined)[],
) {
  const page = usePage();
  const frame = useRef<Frame>(null);
  const spark = useRef<HTMLCanvasElement>(null);
  const age = useRef<Age>(null);
  const [first] = metrics;
  const shown = JSON.stringify(
    metrics.map((metric) => [metric?.name, metric?.unit, metric?.decimals, metric?.type, metric?.thresholds]),
  );
  useLayoutEffect(() => {
    if (!frame.current || !age.current) return;
    const elements = frame.current.querySelectorAll<HTMLElement>(".number");
    const marks = frame.current.querySelectorAll<HTMLElement>(".concern");
    const values = [...elements].map((element, index) => ({
      element,
      mark: marks[index] as HTMLElement,
      metric: metrics[index]?.name,
      unit: metrics[index]?.unit,
      decimals: metrics[index]?.decimals ?? null,
      thresholds: metrics[index]?.thresholds ?? NO_THRESHOLDS,
    }));
    const drawn =
      spark.current && first?.type === "number" ? { canvas: spark.current, metric: first.name } : null;
    if (drawn) page.sparks.want(device, drawn.metric);
    return page.rows.add({ device, values, spark: drawn, age: age.current });
  }, [page, device, shown]);
  return { frame, spark, age };
}
