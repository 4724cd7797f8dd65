import { useEffect } from "preact/hooks";
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
  const { alerts, presences, rest } = usePage().live;
  useEffect(() => {
    for (const { device, watch } of props.opened) {
      watch.notes.want(async () => {
        const { DeviceRest } = await import("../../../live/deviceRest"); // the charts do without it
        return new DeviceRest(rest, device.id).notes();
      });
    }
  }, [props.opened, rest]);
  const isQuiet =
    alerts.list.value.length === 0 &&
    presences.list.value.length === 0 &&
    props.opened.every(({ watch }) => watch.notes.list.value.length === 0);
  return isQuiet ? null : <MarkList {...props} />;
}
