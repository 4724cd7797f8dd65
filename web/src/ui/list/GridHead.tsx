import { type SortKey, sortBy } from "../listView";
import { usePage } from "../page";

/** The columns' headings. Pressing one sorts by it, pressing it again reverses the order. */
export function GridHead() {
  const { metrics } = usePage().list.value;
  return (
    <div role="rowgroup" class="head">
      <div role="row" class="row" aria-rowindex={1}>
        <SortHeading sortKey="name" title="Device" />
        {metrics.length === 0 && <SortHeading sortKey="value" title="Value" />}
        {metrics.map((name) => (
          <SortHeading key={name} sortKey="value" title={name} metric={name} />
        ))}
        {metrics.length < 2 && (
          <div role="columnheader" class="cell-spark">
            Last 60 s
          </div>
        )}
        <SortHeading sortKey="problems" title="State" />
      </div>
    </div>
  );
}

function SortHeading(props: { sortKey: SortKey; title: string; metric?: string }) {
  const page = usePage();
  const { sortKey, title, metric = null } = props;
  const { sort, metrics } = page.list.value;
  const isSorted =
    sort.key === sortKey && (sortKey !== "value" || (sort.metric ?? metrics[0] ?? null) === metric);
  const order = sort.isDescending ? "descending" : "ascending";
  const press = () => {
    const next = isSorted ? { ...sort, isDescending: !sort.isDescending } : sortBy(sortKey, metric);
    page.arrange({ sort: next });
  };
  return (
    <div role="columnheader" class={`cell-${CELL[sortKey]}`} aria-sort={isSorted ? order : "none"}>
      <button type="button" class="sort" title={title} onClick={press}>
        <span class="ellipsis">{title}</span>
        <span class="sort-mark" aria-hidden="true">
          {isSorted ? (sort.isDescending ? "▾" : "▴") : ""}
        </span>
      </button>
    </div>
  );
}

const CELL: Readonly<Record<SortKey, string>> = {
  name: "name",
  value: "value",
  problems: "state",
  seen: "state",
};
