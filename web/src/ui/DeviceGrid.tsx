import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../live/fleet";
import { DeviceRow } from "./DeviceRow";
import type { Sort, SortKey } from "./listing";
import { isPhone, usePage } from "./page";
import { hashOf } from "./route";
import { ROW_PX, reveal, rowAfterKey, rowsInSight, rowsOfPage, useViewport } from "./viewport";

type Devices = readonly DeviceRecord[];

interface GridProps {
  readonly devices: Devices;
  readonly sort: Sort;
  readonly sortBy: (key: SortKey) => void;
}

/**
 * The virtualised grid: rows in sight and two around them, with space above and below for the rest.
 * One place to tab to; arrows, Home, End and the page keys move the active row, Enter opens it.
 */
export function DeviceGrid({ devices, sort, sortBy }: GridProps) {
  const page = usePage();
  const grid = useRef<HTMLDivElement>(null);
  const view = useViewport(grid);
  const openId = page.route.value.deviceId;
  const activeId = useSignal(openId);
  useFollowOpen(grid, devices, openId, activeId);
  const open = (deviceId: string) => {
    location.hash = hashOf({ ...page.route.peek(), deviceId });
  };
  const pressed = (press: KeyboardEvent) => {
    if (!grid.current || press.target !== grid.current || press.ctrlKey || press.metaKey || press.altKey)
      return;
    const active = devices.findIndex((device) => device.id === activeId.peek());
    const target = rowAfterKey(press.key, active, devices.length, rowsOfPage(view.peek()));
    if (target !== null) {
      activeId.value = devices[target]?.id ?? null;
      reveal(grid.current, target);
    } else if (press.key === "Enter" && active >= 0) {
      open((devices[active] as DeviceRecord).id);
    } else {
      return;
    }
    press.preventDefault();
  };
  const { start, end } = rowsInSight(view.value, devices.length);
  const shown = devices.slice(start, end);
  const isActiveShown = shown.some((device) => device.id === activeId.value);
  const space = {
    paddingTop: `${start * ROW_PX}px`,
    paddingBottom: `${(devices.length - end) * ROW_PX}px`,
  };
  return (
    <div
      ref={grid}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-labelledby="devices-title"
      aria-rowcount={devices.length + 1}
      aria-activedescendant={isActiveShown ? rowId(activeId.value ?? "") : undefined}
      onKeyDown={pressed}
    >
      <Head sort={sort} sortBy={sortBy} />
      <div role="rowgroup" style={space}>
        {shown.map((device, offset) => (
          <DeviceRow
            key={device.id}
            id={rowId(device.id)}
            device={device}
            rowIndex={start + offset + 2}
            isActive={device.id === activeId.value}
            isOpen={device.id === openId}
            open={() => open(device.id)}
          />
        ))}
      </div>
    </div>
  );
}

/** Makes the device that was opened the active row and brings it into sight, however it was opened. */
function useFollowOpen(
  grid: RefObject<HTMLElement | null>,
  devices: Devices,
  openId: string | null,
  activeId: Signal<string | null>,
): void {
  const listed = useRef(devices);
  listed.current = devices;
  const before = useRef(openId);
  useEffect(() => {
    if (!grid.current) return;
    if (openId !== null) {
      activeId.value = openId;
      const index = listed.current.findIndex((device) => device.id === openId);
      if (index >= 0) reveal(grid.current, index);
    } else if (before.current !== null && isPhone()) {
      // The open device took the list's place; back in the list, the keyboard goes on where it was.
      grid.current.focus();
    }
    before.current = openId;
  }, [grid, openId, activeId]);
}

function Head({ sort, sortBy }: Omit<GridProps, "devices">) {
  const column = (key: SortKey, title: string) => {
    const isSorted = sort.key === key;
    const order = sort.isDescending ? "descending" : "ascending";
    return (
      <div role="columnheader" class={`cell-${key}`} aria-sort={isSorted ? order : "none"}>
        <button type="button" class="sort" onClick={() => sortBy(key)}>
          {title}
          <span class="sort-mark" aria-hidden="true">
            {isSorted ? (sort.isDescending ? "▾" : "▴") : ""}
          </span>
        </button>
      </div>
    );
  };
  return (
    <div role="rowgroup" class="head">
      <div role="row" class="row" aria-rowindex={1}>
        {column("name", "Device")}
        {column("value", "Value")}
        <div role="columnheader" class="cell-spark">
          Last 60 s
        </div>
        {column("state", "State")}
      </div>
    </div>
  );
}

function rowId(deviceId: string): string {
  return `row-${encodeURIComponent(deviceId)}`;
}
