import type { Signal } from "@preact/signals";
import type { Ref } from "preact";
import type { Line } from "../../../paint/lines";
import { shapeOf } from "../../../paint/shapes";

interface LegendProps {
  readonly table: Ref<HTMLTableElement>;
  readonly lines: readonly Line[];
  readonly hidden: Hidden;
}

/** Keys of the lines that are not to be drawn. */
export type Hidden = Signal<ReadonlySet<string>>;

/**
 * The lines of a chart with their values, filled in by a `LegendPainter`. Of several lines, each can be
 * hidden.
 */
export function Legend({ table, lines, hidden }: LegendProps) {
  const toggle = (line: Line) => {
    const keys = new Set(hidden.peek());
    if (!keys.delete(line.key)) keys.add(line.key);
    hidden.value = keys;
  };
  return (
    <table ref={table} class={lines.length > 1 ? "legend is-shared" : "legend"}>
      <thead>
        <tr>
          <td />
          <th scope="col" class="legend-when">
            Now
          </th>
          <th scope="col">Min</th>
          <th scope="col">Mean</th>
          <th scope="col">Max</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.key} data-metric={line.metric.name} class={`series-${line.colour}`}>
            <th scope="row">
              <div class="legend-name">
                {lines.length > 1 ? (
                  <button
                    type="button"
                    class="legend-toggle"
                    aria-pressed={!hidden.value.has(line.key)}
                    title={hidden.value.has(line.key) ? "Show this line" : "Hide this line"}
                    onClick={() => toggle(line)}
                  >
                    <Name line={line} />
                  </button>
                ) : (
                  <span class="legend-toggle">
                    <Name line={line} />
                  </span>
                )}
                <span class="legend-note small" />
              </div>
            </th>
            <td class="card-value" />
            <td class="card-min" />
            <td class="card-mean" />
            <td class="card-max" />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Name({ line }: { line: Line }) {
  return (
    <>
      <Swatch line={line} />
      <span class="legend-metric ellipsis">
        {piecesOf(line.metric.name).map((piece) => (
          <>
            {piece}
            <wbr />
          </>
        ))}
        {line.owner !== null && <span class="legend-owner small"> {line.owner}</span>}
      </span>
    </>
  );
}

/** Where a name may be broken: "readings_", "per_", "s". */
function piecesOf(name: string): string[] {
  return name.match(/[^_./]+[_./]*|[_./]+/g) ?? [];
}

/** A piece of the line: its colour and, where it has one, its shape. */
function Swatch({ line }: { line: Line }) {
  const corners = line.shape === null ? null : shapeOf(line.shape);
  return (
    <svg class="swatch" viewBox="-10 -6 20 12" data-shape={line.shape ?? undefined} aria-hidden="true">
      <path d="M-10 0H10" />
      {corners?.length === 0 && <circle r="4" />}
      {corners && corners.length > 0 && (
        <polygon points={corners.map(([x, y]) => `${4 * x},${4 * y}`).join(" ")} />
      )}
    </svg>
  );
}

/** The names of a chart's metrics, as its heading. */
export function titleOf(lines: readonly Line[]): string {
  return [...new Set(lines.map((line) => line.metric.name))].join(", ");
}
