import { usePage } from "../../page";
import { lazy } from "../../parts/lazy";
import type { MarkListProps } from "./MarkList";

/** If it does not load, the charts are shown without marks. */
const MarkList = lazy(
  () => import("./MarkList").then((room) => room.MarkList),
  () => null,
);

/** What happened to the devices of a chart, on its time axis. Loaded when something did. */
export function ChartMarks(props: MarkListProps) {
  const { alerts, presences } = usePage().live;
  const isQuiet = alerts.list.value.length === 0 && presences.list.value.length === 0;
  return isQuiet ? null : <MarkList {...props} />;
}
