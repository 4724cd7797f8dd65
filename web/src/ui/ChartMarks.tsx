import { lazy } from "./lazy";
import type { Opened } from "./opened";
import { usePage } from "./page";

/** Where they do not load, the charts go without. */
const Marks = lazy(
  () => import("./Marks").then((room) => room.Marks),
  () => null,
);

export interface ChartMarksProps {
  readonly opened: readonly Opened[];
  /** From when to when the chart shows. */
  readonly span: () => { readonly from: number; readonly to: number };
  /** The first chart's marks are reached by keyboard; those of the others are the same. */
  readonly isFirst: boolean;
}

/** What happened to the devices of a chart, on its time axis. Loaded when something did. */
export function ChartMarks(props: ChartMarksProps) {
  const { alerts, presences } = usePage().live;
  const isQuiet = alerts.list.value.length === 0 && presences.list.value.length === 0;
  return isQuiet ? null : <Marks {...props} />;
}
