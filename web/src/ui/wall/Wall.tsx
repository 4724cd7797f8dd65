import { useComputed, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { DeviceRecord } from "../../live/fleet";
import { clockTime, count } from "../../paint/format";
import { setText } from "../../paint/rowPainters";
import style from "../../styles/wall.css?inline";
import { listing } from "../list/listing";
import { sortBy } from "../listView";
import { type Page, usePage } from "../page";
import { adoptStyle } from "../parts/adoptStyle";
import { ConnectionPill } from "../parts/ConnectionPill";
import { hashOf } from "../route";
import { type Tiling, tilingOf } from "./tiling";
import { WallTile } from "./WallTile";

adoptStyle(style);

const PAGE_MS = 12_000;
/** Under reduced motion the screen changes less often. */
const STILL_PAGE_MS = 30_000;
const CLOCK_MS = 1_000;

/** The devices of the list in large, problems first, for a screen that is read from across the room. */
export function Wall() {
  const page = usePage();
  const { fleet } = page.live;
  const tiles = useRef<HTMLUListElement>(null);
  const size = useSize(tiles);
  const devices = useComputed(() => {
    fleet.structure.value;
    const found = listing(fleet.listed(), { ...page.list.value, sort: sortBy("problems") });
    // Devices that never sent anything have nothing to show: they come last.
    const isSeen = (device: DeviceRecord) => device.presence !== "never_seen";
    return [...found.filter(isSeen), ...found.filter((device) => !isSeen(device))];
  }).value;
  const tiling = tilingOf(devices.length, size.width, size.height);
  const turn = useTurn(tiling);
  useKeys(page, turn);
  useWakeLock();
  const perPage = tiling.columns * tiling.rows;
  const shown = devices.slice(turn.at * perPage, (turn.at + 1) * perPage);
  const grid = {
    gridTemplateColumns: `repeat(${tiling.columns}, minmax(0, 1fr))`,
    gridTemplateRows: `repeat(${tiling.rows}, minmax(0, 1fr))`,
  };
  return (
    <main class="wall" data-lost={page.live.lostAt.value !== null}>
      <h1 class="unseen">Sensor hub, wall</h1>
      <ul ref={tiles} class="wall-tiles" style={grid} aria-label="Devices">
        {shown.map((device) => (
          <WallTile key={device.id} device={device} />
        ))}
      </ul>
      {devices.length === 0 && <p class="message">{emptyWord(page)}</p>}
      <WallBar tiling={tiling} turn={turn} />
    </main>
  );
}

function emptyWord(page: Page): string {
  if (page.live.fleet.phase.value.kind !== "ready") return "Loading devices";
  const { search } = page.list.value;
  return search === "" ? "There are no devices yet." : `No device matches “${search}”.`;
}

interface Turn {
  /** Which page is shown, from 0. */
  readonly at: number;
  readonly isHeld: boolean;
  readonly hold: () => void;
  readonly go: (by: number) => void;
}

/** Turns the pages by itself, unless held. */
function useTurn({ pages }: Tiling): Turn {
  const at = useSignal(0);
  const isHeld = useSignal(false);
  const go = (by: number) => {
    at.value = (at.peek() + by + pages) % pages;
  };
  useEffect(() => {
    if (pages < 2 || isHeld.value) return;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const timer = setInterval(() => go(1), isStill ? STILL_PAGE_MS : PAGE_MS);
    return () => clearInterval(timer);
  }, [pages, isHeld.value]);
  const hold = () => {
    isHeld.value = !isHeld.peek();
  };
  return { at: Math.min(at.value, pages - 1), isHeld: isHeld.value, hold, go };
}

function leaveLink(page: Page): string {
  return hashOf({ ...page.route.value, isWall: false });
}

function useKeys(page: Page, turn: Turn): void {
  const latest = useRef(turn);
  latest.current = turn;
  useEffect(() => {
    const pressed = (press: KeyboardEvent) => {
      if (press.ctrlKey || press.metaKey || press.altKey) return;
      if (press.key === "Escape") location.hash = leaveLink(page);
      else if (press.key === "ArrowRight") latest.current.go(1);
      else if (press.key === "ArrowLeft") latest.current.go(-1);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [page]);
}

/** The bar at the bottom: time, connection, how many are online, which page this is, and the way out. */
function WallBar({ tiling, turn }: { tiling: Tiling; turn: Turn }) {
  const page = usePage();
  const { fleet } = page.live;
  const clock = useRef<HTMLSpanElement>(null);
  fleet.structure.value;
  useEffect(
    () =>
      page.loop.add({
        intervalMs: () => CLOCK_MS,
        paint: () => {
          if (clock.current) setText(clock.current, clockTime(page.viewNow()));
        },
      }),
    [page],
  );
  const lostAt = page.live.lostAt.value;
  const { search } = page.list.value;
  return (
    <footer class="wall-bar">
      <span ref={clock} class="wall-clock" />
      <ConnectionPill />
      {lostAt !== null && <span>Values are as of {clockTime(lostAt)}</span>}
      <span>
        {count(fleet.count("online"))}/{count(fleet.count())} {lostAt === null ? "online" : "were online"}
      </span>
      {search !== "" && <span class="ellipsis">“{search}”</span>}
      <span class="grow" />
      {tiling.pages > 1 && (
        <>
          <span>
            {turn.at + 1} of {tiling.pages}
          </span>
          <button type="button" class="button quiet" aria-pressed={turn.isHeld} onClick={turn.hold}>
            Hold
          </button>
        </>
      )}
      <a class="button quiet" href={leaveLink(page)} aria-keyshortcuts="Escape">
        Leave
      </a>
    </footer>
  );
}

function useSize(element: RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: innerWidth, height: innerHeight });
  useLayoutEffect(() => {
    const watched = element.current;
    if (!watched) return;
    const sizes = new ResizeObserver(() =>
      setSize({ width: watched.clientWidth, height: watched.clientHeight }),
    );
    sizes.observe(watched);
    return () => sizes.disconnect();
  }, [element]);
  return size;
}

/** Keeps the screen on where the browser can; a tab that was hidden has lost its lock and asks again. */
function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let isOver = false;
    const ask = async () => {
      if (!("wakeLock" in navigator) || document.visibilityState !== "visible") return;
      try {
        lock = await navigator.wakeLock.request("screen");
        if (isOver) void lock.release();
      } catch {
        // Low battery, or not allowed: the screen goes off as it would anyway.
      }
    };
    const shown = () => void ask();
    shown();
    document.addEventListener("visibilitychange", shown);
    return () => {
      isOver = true;
      document.removeEventListener("visibilitychange", shown);
      void lock?.release();
    };
  }, []);
}
