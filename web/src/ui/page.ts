import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Live } from "../live/live";
import { Rights } from "../live/rights";
import { SparkFiller } from "../live/sparks";
import { resolveColour } from "../paint/colour";
import { setLocale } from "../paint/locale";
import { PaintLoop } from "../paint/loop";
import { RowPainters } from "../paint/rowPainters";
import { SPARK_MS } from "../paint/sparkline";
import { ACCESS_WORD } from "./accessViews";
import type { ListView } from "./listView";
import { Preferences } from "./preferences";
import { ALERT_WORD, hashOf, type Route, routeOf } from "./route";
import { Themes } from "./theme";

/** Painting under reduced motion: twice a second, whatever the painter. */
const STILL_MS = 500;
const LINK_AFTER_MS = 250;

/** What the components share: the live layer, the paint loop and the page's own state. */
export class Page {
  readonly live: Live;
  readonly themes: Themes;
  readonly loop: PaintLoop;
  readonly rows: RowPainters;
  readonly sparks: SparkFiller;
  readonly preferences: Preferences;
  /** How the list is arranged; the same object until that changes. */
  readonly list: ReadonlySignal<ListView>;
  readonly isAlertsOpen = signal(false);
  /** What the person logged in may do; nothing until that is known. */
  readonly rights: ReadonlySignal<Rights>;
  readonly #route: Signal<Route>;
  readonly #pausedAt = signal<number | null>(null);
  readonly #motion = matchMedia("(prefers-reduced-motion: reduce)");
  #sparkColour = "";
  #writingLink: ReturnType<typeof setTimeout> | undefined;

  constructor(live: Live) {
    this.live = live;
    this.themes = new Themes(document.documentElement, localStorage);
    this.rights = computed(() => new Rights(live.session.value));
    this.preferences = new Preferences(localStorage);
    this.#route = signal(routeOf(location.hash));
    this.list = stable(computed(() => this.#route.value.list));
    this.loop = new PaintLoop(
      (run) => requestAnimationFrame(run),
      () => this.#pausedAt.peek() !== null,
    );
    this.rows = new RowPainters(
      () => this.viewNow(),
      () => this.#sparkColour,
      () => this.minIntervalMs(),
    );
    this.sparks = new SparkFiller(live.rest, () => live.hubClock.now(), SPARK_MS);
    for (const painter of this.rows.painters) this.loop.add(painter);
    this.#listen();
  }

  get route(): ReadonlySignal<Route> {
    return this.#route;
  }

  /** Hub time at which the view was frozen; null while it moves. */
  get pausedAt(): ReadonlySignal<number | null> {
    return this.#pausedAt;
  }

  /** The hub time the view shows: now, or when it was paused. */
  viewNow(): number {
    return this.#pausedAt.peek() ?? this.live.hubClock.now();
  }

  /** The least milliseconds between paints: more under reduced motion. */
  minIntervalMs(): number {
    return this.#motion.matches ? STILL_MS : 0;
  }

  togglePause(): void {
    this.pauseAt(this.#pausedAt.peek() === null ? this.live.hubClock.now() : null);
  }

  /** Freezes the view at a hub time while taking in goes on; null lets it move again. */
  pauseAt(time: number | null): void {
    this.#pausedAt.value = time;
    this.loop.repaint();
  }

  /** Changes how the list is arranged, in the address too, without a step in the browser's history. */
  arrange(change: Partial<ListView>): void {
    const route = this.#route.peek();
    this.#route.value = { ...route, list: { ...route.list, ...change } };
    // Browsers allow few changes of the address a second, and people type faster. The address may have
    // changed before the page hears of it, so only the list's part is written.
    clearTimeout(this.#writingLink);
    this.#writingLink = setTimeout(() => {
      const { list } = this.#route.peek();
      history.replaceState(history.state, "", hashOf({ ...routeOf(location.hash), list }));
    }, LINK_AFTER_MS);
  }

  #listen(): void {
    addEventListener("hashchange", () => {
      this.#route.value = routeOf(location.hash);
    });
    addEventListener("online", () => this.live.retryNow());
    addEventListener("resize", () => this.loop.repaint());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      this.live.retryNow();
      this.live.askTime();
      void this.live.refreshOpened();
    });
    effect(() => {
      const choices = this.preferences.choices.value;
      document.documentElement.dataset.density = choices.density;
      setLocale(choices);
      this.rows.paintAgain();
      this.loop.repaint();
    });
    effect(() => {
      this.themes.shown.value;
      this.#sparkColour = resolveColour(document.documentElement, "--series-0");
      this.loop.repaint();
    });
    effect(() => {
      // After a loss there may be holes. It is noted as over only after this.
      if (this.live.connectionState.value.kind !== "live" || this.live.lostAt.peek() === null) return;
      for (const { device, spark } of this.rows.shown()) {
        if (spark) this.sparks.wantAgain(device, spark.metric);
      }
    });
    effect(() => {
      const { deviceId: wanted, compared, access, alerts } = this.#route.value;
      this.live.fleet.structure.value;
      // A device is opened once it is known to exist: a wrong link gets a message instead of an empty chart.
      const isThere = (id: string) => Boolean(this.live.fleet.get(id)?.info);
      this.live.open(wanted !== null && isThere(wanted) ? wanted : null, compared.filter(isThere));
      const opened = access ? ACCESS_WORD[access] : alerts && ALERT_WORD[alerts.view];
      const name = wanted === null ? opened : this.live.fleet.get(wanted)?.name;
      document.title = !name ? "Sensor hub" : `${name} · Sensor hub`;
    });
  }
}

/**
 * Gives the same object as long as its content is equal, so that what depends on it is not computed again.
 */
function stable<T>(changing: ReadonlySignal<T>): ReadonlySignal<T> {
  let kept = changing.peek();
  return computed(() => {
    const now = changing.value;
    if (JSON.stringify(now) !== JSON.stringify(kept)) kept = now;
    return kept;
  });
}

const PageContext = createContext<Page | null>(null);
export const PageProvider = PageContext.Provider;

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("a component outside the page");
  return page;
}

/** Whether only one of list and device is shown at a time; the stylesheet has the same width. */
export function isPhone(): boolean {
  return matchMedia("(max-width: 860px)").matches;
}
