import { useEffect, useRef } from "preact/hooks";
import type { MetricInfo } from "../../../live/rest";
import type { DeviceWatch } from "../../../live/watch";
import { age } from "../../../paint/format";
import { setText } from "../../../paint/rowPainters";
import { usePage } from "../../page";

const VALUES_MS = 100;

/** Metrics that are text or true/false: the latest value, and how old it is. */
export function ValueTable({ watch, metrics }: { watch: DeviceWatch; metrics: readonly MetricInfo[] }) {
  const page = usePage();
  const table = useRef<HTMLTableSectionElement>(null);
  const names = metrics.map((metric) => metric.name).join("\n");
  useEffect(
    () =>
      page.loop.add({
        intervalMs: () => Math.max(VALUES_MS, page.minIntervalMs()),
        paint: () => {
          for (const row of table.current?.rows ?? []) {
            const sample = watch.latest.get(row.dataset.metric ?? "");
            const [, value, seen] = row.cells;
            if (!value || !seen) continue;
            setText(value, sample ? String(sample[1]) : "–");
            setText(seen, sample ? age(page.viewNow() - sample[0]) : "");
          }
        },
      }),
    [page, watch, names],
  );
  return (
    <section class="card" aria-label="Other values">
      <table class="values">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Value</th>
            <th scope="col">Measured</th>
          </tr>
        </thead>
        <tbody ref={table}>
          {metrics.map((metric) => (
            <tr key={metric.name} data-metric={metric.name}>
              <th scope="row">{metric.name}</th>
              <td class="value" />
              <td class="small" />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
