/** What the list can be sorted by. */
export const SORT_KEYS = ["name", "problems", "value", "seen"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Sort {
  readonly key: SortKey;
  readonly isDescending: boolean;
  /** Of "value": which metric's; null is the one in the first column. */
  readonly metric: string | null;
}

/** More columns than this leave no room for the names. */
export const METRICS_MAX = 3;

/** How the list is searched, sorted and grouped, and which metrics it shows. Kept in the link. */
export interface ListView {
  readonly search: string;
  readonly sort: Sort;
  /** The label whose values are the groups; null is one list. */
  readonly groupBy: string | null;
  /** The metrics shown, a column each; empty means each device's first. */
  readonly metrics: readonly string[];
}

export const PLAIN_LIST: ListView = {
  search: "",
  sort: { key: "name", isDescending: false, metric: null },
  groupBy: null,
  metrics: [],
};

/** Each in its most useful order: the largest values and the most recently seen come first. */
export function sortBy(key: SortKey, metric: string | null = null): Sort {
  return { key, metric, isDescending: key === "value" || key === "seen" };
}

/** Reads `q=pump&sort=-value:humidity&group=hall&metric=humidity&metric=temperature`. */
export function listViewOf(parameters: URLSearchParams): ListView {
  const metrics = parameters.getAll("metric").filter(Boolean);
  return {
    search: parameters.get("q") ?? "",
    sort: sortOf(parameters.get("sort") ?? ""),
    groupBy: parameters.get("group") || null,
    metrics: [...new Set(metrics)].slice(0, METRICS_MAX),
  };
}

function sortOf(text: string): Sort {
  const [, minus, name, metric] = /^(-?)([a-z]+)(?::(.+))?$/s.exec(text) ?? [];
  const key = SORT_KEYS.find((one) => one === name);
  if (!key) return PLAIN_LIST.sort;
  return { key, isDescending: minus === "-", metric: key === "value" ? (metric ?? null) : null };
}

/** Writes what `listViewOf` reads, without what is as in a plain list. */
export function writeListView({ search, sort, groupBy, metrics }: ListView, to: URLSearchParams): void {
  if (search !== "") to.set("q", search);
  const order = sortText(sort);
  if (order !== sortText(PLAIN_LIST.sort)) to.set("sort", order);
  if (groupBy !== null) to.set("group", groupBy);
  for (const metric of metrics) to.append("metric", metric);
}

function sortText({ key, isDescending, metric }: Sort): string {
  return `${isDescending ? "-" : ""}${key}${metric === null ? "" : `:${metric}`}`;
}
