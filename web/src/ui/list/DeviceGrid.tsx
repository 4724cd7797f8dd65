import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { isPhone, usePage } from "../page";
import { DeviceRow } from "./DeviceRow";
import { GridHead } from "./GridHead";
import { GroupRow } from "./GroupRow";
import { deviceKey, type GridLine } from "./listing";
import { lineAfterKey, linesInSight, linesOfPage, reveal, topsOf, useViewport } from "./viewport";

interface GridProps {
  readonly lines: readonly GridLine[];
  /** Opens a closed group, or closes an open one. */
  readonly toggle: (groupKey: string) => void;
}

/**
 * The virtualised grid: the lines in sight and two around them, with space above and below for the rest.
 * It is one tab stop; arrows, Home, End and the page keys move the active line, Enter opens it. As in any
 * tree, the left arrow closes a group or goes to its heading, and the right arrow opens it.
 */
export function DeviceGrid({ lines, toggle }: GridProps) {
  const page = usePage();
  const grid = useRef<HTMLDivElement>(null);
  const view = useViewport(grid);
  const { density } = page.preferences.choices.value;
  const { groupBy, metrics } = page.list.value;
  const tops = useMemo(() => topsOf(lines, density), [lines, density]);
  const openId = page.route.value.deviceId;
  const activeKey = useSignal(openId === null ? null : deviceKey(openId));
  useFollowOpen(grid, lines, tops, openId, activeKey);
  const goTo = (index: number) => {
    activeKey.value = lines[index]?.key ?? null;
    if (grid.current) reveal(grid.current, index, tops);
  };
  const pressed = (press: KeyboardEvent) => {
    if (press.target !== grid.current || press.ctrlKey || press.metaKey || press.altKey) return;
    const active = lines.findIndex((line) => line.key === activeKey.peek());
    const target = lineAfterKey(press.key, active, lines.length, linesOfPage(view.peek(), density));
    if (target !== null) goTo(target);
    else if (!act(press.key, lines, active, toggle, goTo)) return;
    press.preventDefault();
  };
  const { start, end } = linesInSight(view.value, tops);
  const shown = lines.slice(start, end);
  const isActiveShown = shown.some((line) => line.key === activeKey.value);
  const space = {
    paddingTop: `${tops[start]}px`,
    paddingBottom: `${(tops[lines.length] as number) - (tops[end] as number)}px`,
  };
  return (
    <div
      ref={grid}
      class="grid"
      data-columns={metrics.length}
      role={groupBy === null ? "grid" : "treegrid"}
      tabIndex={0}
      aria-labelledby="devices-title"
      aria-rowcount={lines.length + 1}
      aria-activedescendant={isActiveShown ? lineId(activeKey.value ?? "") : undefined}
      onKeyDown={pressed}
    >
      <GridHead />
      <div role="rowgroup" style={space}>
        {shown.map((line, offset) => {
          const shared = {
            id: lineId(line.key),
            rowIndex: start + offset + 2,
            isActive: line.key === activeKey.value,
          };
          return line.kind === "group" ? (
            <GroupRow
              key={line.key}
              {...shared}
              group={line.group}
              isOpen={line.isOpen}
              toggle={() => toggle(line.key)}
            />
          ) : (
            <DeviceRow
              key={line.key}
              {...shared}
              device={line.device}
              level={groupBy === null ? undefined : 2}
            />
          );
        })}
      </div>
    </div>
  );
}

/** What a key does with the active line, other than moving on from it. @returns whether it does anything */
function act(
  key: string,
  lines: readonly GridLine[],
  active: number,
  toggle: (groupKey: string) => void,
  goTo: (index: number) => void,
): boolean {
  const line = lines[active];
  if (!line) return false;
  if (line.kind === "group") {
    const toggles = line.isOpen ? ["Enter", " ", "ArrowLeft"] : ["Enter", " ", "ArrowRight"];
    if (!toggles.includes(key)) return false;
    toggle(line.key);
  } else if (key === "Enter") {
    document.getElementById(lineId(line.key))?.click();
  } else if (key === "ArrowLeft") {
    const heading = lines.findLastIndex((above, index) => index < active && above.kind === "group");
    if (heading < 0) return false;
    goTo(heading);
  } else {
    return false;
  }
  return true;
}

/** Makes the device that was opened the active line and brings it into sight, however it was opened. */
function useFollowOpen(
  grid: RefObject<HTMLElement | null>,
  lines: readonly GridLine[],
  tops: Float64Array,
  openId: string | null,
  activeKey: Signal<string | null>,
): void {
  const listed = useRef({ lines, tops });
  listed.current = { lines, tops };
  const before = useRef(openId);
  useEffect(() => {
    if (!grid.current) return;
    if (openId !== null) {
      const { lines, tops } = listed.current;
      activeKey.value = deviceKey(openId);
      const index = lines.findIndex((line) => line.key === activeKey.value);
      if (index >= 0) reveal(grid.current, index, tops);
    } else if (before.current !== null && isPhone()) {
      // The open device took the list's place; back in the list, the keyboard goes on where it was.
      grid.current.focus();
    }
    before.current = openId;
  }, [grid, openId, activeKey]);
}

function lineId(key: string): string {
  return `line-${encodeURIComponent(key)}`;
}
