import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../live/fleet";
import { DeviceRow } from "./DeviceRow";
import type { Sort, SortKey } from "./listing";
import { isPhone, usePage } from "./page";
import { hashOf } from "./route";

/** Heights the stylesheet gives; the grid computes with them instead of measuring rows. */
const ROW_PX = 44;
const HEAD_PX = 32;
const OVERSCAN = 2;
/** However tall the window, no more rows than this are in the document. */
const ROWS_MOST = 38;

interface GridProps {
  readonly devices: readonly DeviceRecord[];
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
  const view = useSignal({ top: 0, height: 0 });
  const activeId = useSignal<string | null>(page.route.peek().deviceId);
  const first = useComputed(() => Math.max(0, Math.floor(view.value.top / ROW_PX) - OVERSCAN));
  const fitting = useComputed(() =>
    Math.min(ROWS_MOST, Math.ceil(view.value.height / ROW_PX) + 2 * OVERSCAN + 1),
  );
  useLayoutEffect(() => {
    const element = grid.current;
    if (!element) return;
    const measure = () => {
      view.value = { top: element.scrollTop, height: element.clientHeight };
    };
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, [view]);

  const openId = page.route.value.deviceId;
  const current = useRef(devices);
  current.current = devices;
  const lastOpenId = useRef(openId);
  useEffect(() => {
    if (!grid.current) return;
    if (openId !== null) {
      activeId.value = openId;
      const index = current.current.findIndex((device) => device.id === openId);
      if (index >= 0) reveal(grid.current, index);
    } else if (lastOpenId.current !== null && isPhone()) {
      // The open device took the list's place; back in the list, the keyboard goes on where it was.
      grid.current.focus();
    }
    lastOpenId.current = openId;
  }, [openId, activeId]);

  const open = (deviceId: string) => {
    location.hash = hashOf({ ...page.route.peek(), deviceId });
  };
  const activate = (index: number) => {
    const device = devices[Math.min(Math.max(index, 0), devices.length - 1)];
    if (!device || !grid.current) return;
    activeId.value = device.id;
    reveal(grid.current, devices.indexOf(device));
    view.value = { top: grid.current.scrollTop, height: grid.current.clientHeight };
  };
  const pressed = (press: KeyboardEvent) => {
    if (press.target !== grid.current || press.ctrlKey || press.metaKey || press.altKey) return;
    const active = devices.findIndex((device) => device.id === activeId.peek());
    const target = targetOf(press.key, active, devices.length, pageRows(view.peek().height));
    if (target !== null) activate(target);
    else if (press.key === "Enter" && active >= 0) open((devices[active] as DeviceRecord).id);
    else return;
    press.preventDefault();
  };

  const start = Math.min(first.value, Math.max(0, devices.length - fitting.value));
  const shown = devices.slice(start, start + fitting.value);
  const after = devices.length - start - shown.length;
  const isActiveShown = shown.some((device) => device.id === activeId.value);
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
      <div
        role="rowgroup"
        style={{ paddingTop: `${start * ROW_PX}px`, paddingBottom: `${after * ROW_PX}px` }}
      >
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

function pageRows(height: number): number {
  return Math.max(1, Math.floor((height - HEAD_PX) / ROW_PX) - 1);
}

/** The row a key leads to, or null where it leads nowhere. With no row active yet, any of them leads to the first. */
function targetOf(key: string, active: number, rows: number, page: number): number | null {
  switch (key) {
    case "ArrowDown":
      return active + 1;
    case "ArrowUp":
      return active - 1;
    case "PageDown":
      return active + page;
    case "PageUp":
      return active - page;
    case "Home":
      return 0;
    case "End":
      return rows - 1;
    default:
      return null;
  }
}

/** Scrolls as little as brings the row into sight, below the head that stays. */
function reveal(grid: HTMLElement, index: number): void {
  const top = index * ROW_PX;
  const room = grid.clientHeight - HEAD_PX;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + ROW_PX > grid.scrollTop + room) grid.scrollTop = top + ROW_PX - room;
}
