/** The only file that knows uPlot. */
import uPlot from "uplot";
import type { Stretch } from "../live/ring";
import { clockTime, dayOf, plainNumber } from "./format";
import { type Gap, nearest } from "./gaps";
import { drawLonely, drawShapes, type Frame, shadeGaps } from "./layers";
import type { LimitLayer } from "./limitLayer";
import { formats } from "./locale";
import type { LineLook, Look } from "./look";
import { drawByTouch } from "./touch";

export interface Underlay {
  readonly low: number;
  readonly high: number;
  draw(frame: Frame, tint: string): void;
}

/** One line to draw; without points it is not shown. */
export interface DrawnLine {
  readonly stretch: Stretch;
  readonly gaps: readonly Gap[];
  /** What is drawn below it, with its own tint, and how far up and down that reaches. */
  readonly below?: Underlay | null;
}

/** All that a chart shows, from `from` to `to`. */
export interface Scene {
  /** As many as the looks, in the same order. */
  readonly lines: readonly DrawnLine[];
  /** Where none of the lines has anything. */
  readonly shaded: readonly Gap[];
  readonly limits: LimitLayer | null;
  readonly from: number;
  readonly to: number;
}

type Point = { readonly time: number; readonly value: number };
/** Where the cursor is, and the point of each line there; null when it left the chart. */
export type Cursor = { readonly time: number; readonly points: readonly (Point | null)[] } | null;

/** What happens when the pointer is over a chart. */
export interface ChartHandlers {
  cursorMoved(cursor: Cursor): void;
  /** A stretch was selected. */
  zoom(from: number, to: number): void;
}

const HEIGHT = 176;
const AXIS_WIDTH = 56;
const AXIS_HEIGHT = 28;
/** Pixels that a character of a label takes, with room around it. */
const LABEL_CHARACTER = 7.5;
const DAY_S = 86_400;
const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200],
  ...[1, 2, 5, 10, 30, 90, 365].map((days) => days * DAY_S),
].map((seconds) => seconds * 1000);
/** Pixels; less is a click. */
const DRAG_LEAST = 5;
/** The y-range is kept until the points use less than this part of it: an axis that jumps is hard to read. */
const RANGE_USED_LEAST = 0.45;
const PADDING = 0.12;
export const NO_POINTS: Stretch = {
  times: new Float64Array(),
  values: new Float64Array(),
  counts: null,
};

/** The lines of one unit. It shows what `draw` hands it and keeps nothing but its y-range. */
export class Chart {
  readonly #plot: uPlot;
  readonly #look: Look;
  readonly #handlers: ChartHandlers;
  /** Stops following the locale. */
  readonly #unfollow: () => void;
  #scene: Scene;
  #range: readonly [number, number] | null = null;

  constructor(host: HTMLElement, look: Look, handlers: ChartHandlers) {
    this.#look = look;
    this.#handlers = handlers;
    const nothing = look.lines.map(() => ({ stretch: NO_POINTS, gaps: [] }));
    this.#scene = { lines: nothing, shaded: [], limits: null, from: 0, to: 1 };
    this.#plot = new uPlot(this.#options(host.clientWidth), this.#columns(), host);
    drawByTouch(this.#plot.over, {
      over: (left, width) => this.#select(left, width),
      lifted: (stretch) => {
        if (stretch) takeSelection(this.#plot, (from, to) => this.#handlers.zoom(from, to));
        else this.#select(0, 0);
      },
    });
    this.#unfollow = formats.subscribe(() => this.#plot.redraw(false, true));
  }

  draw(scene: Scene): void {
    // The stretch that is being selected must not move under the pointer.
    if (this.#plot.select.width > 0) return;
    this.#scene = scene;
    this.#plot.batch(() => {
      this.#plot.setData(this.#columns(), false);
      this.#plot.setScale("x", { min: scene.from, max: scene.to });
    });
  }

  resize(width: number): void {
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  destroy(): void {
    this.#unfollow();
    this.#plot.destroy();
  }

  #select(left: number, width: number): void {
    this.#plot.setSelect({ left, width, top: 0, height: this.#plot.over.clientHeight }, false);
  }

  /** uPlot's mode 2: each line has its own times, so lines of different devices need not be joined. */
  #columns(): uPlot.AlignedData {
    const lines = this.#scene.lines.map(({ stretch }) => [stretch.times, stretch.values]);
    return [null, ...lines] as unknown as uPlot.AlignedData;
  }

  #options(width: number): uPlot.Options {
    const { text, font, grid } = this.#look;
    const axis: uPlot.Axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    return {
      mode: 2,
      width: Math.max(width, 100),
      height: HEIGHT,
      ms: 1,
      tzDate: dateInZone,
      pxAlign: 0,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: DRAG_LEAST },
        // The cursor is shared by all charts; a drag is for one.
        sync: {
          key: "device",
          filters: { pub: (type) => type === "mousemove" || type === "mouseleave", sub: () => true },
        },
        dataIdx: (plot, series) => this.#indexUnder(plot, series - 1),
        points: { size: 7, fill: (_plot, series) => this.#stroke(series - 1) },
      },
      scales: {
        x: { time: true, auto: false, range: (_plot, low, high) => [low, high] },
        y: { range: (_plot, low, high) => this.#fit(low, high) },
      },
      axes: [
        { ...axis, size: AXIS_HEIGHT, space: labelWidth, incrs: [...STEPS_MS], values: timeLabels },
        { ...axis, size: AXIS_WIDTH, space: 28, values: (_plot, splits) => splits.map(plainNumber) },
      ],
      series: [{}, ...this.#look.lines.map((_look, place) => this.#series(place))],
      hooks: {
        drawClear: [(plot) => this.#drawBelow(frameOf(plot))],
        draw: [(plot) => this.#drawAbove(frameOf(plot))],
        setSelect: [(plot) => takeSelection(plot, (from, to) => this.#handlers.zoom(from, to))],
        setCursor: [(plot) => this.#handlers.cursorMoved(this.#cursorOf(plot))],
      },
    };
  }

  #series(place: number): uPlot.Series {
    const { stroke, fill } = this.#look.lines[place] as LineLook;
    return {
      stroke,
      ...(fill && { fill }),
      width: 1.5,
      points: { show: false },
      // Each line needs its own facets: uPlot keeps its minimum and maximum in them.
      facets: [
        { scale: "x", auto: false },
        { scale: "y", auto: true },
      ],
      gaps: (plot) => this.#line(place).gaps.map(([from, to]) => pixels(plot, from, to)),
    };
  }

  #line(place: number): DrawnLine {
    return this.#scene.lines[place] as DrawnLine;
  }

  #stroke(place: number): string {
    return this.#look.lines[place]?.stroke ?? "";
  }

  #drawBelow(frame: Frame): void {
    const { lines, limits, shaded } = this.#scene;
    shadeGaps(frame, shaded, this.#look.gap);
    limits?.below(frame, this.#look);
    lines.forEach(({ below }, place) => {
      below?.draw(frame, (this.#look.lines[place] as LineLook).tint);
    });
  }

  #drawAbove(frame: Frame): void {
    const { back } = this.#look;
    frame.context.font = this.#font(frame.ratio);
    this.#scene.limits?.above(frame, this.#look);
    this.#look.lines.forEach(({ stroke, shape }, place) => {
      const { stretch, gaps } = this.#line(place);
      drawLonely(frame, stretch, gaps, stroke);
      if (shape !== null) drawShapes(frame, stretch, shape, stroke, back);
    });
  }

  /** Index of a line's point under the cursor; none where the line has a gap. */
  #indexUnder(plot: uPlot, place: number): number {
    const { stretch, gaps } = this.#line(place);
    const time = plot.posToVal(plot.cursor.left ?? -1, "x");
    const isNothing = stretch.times.length === 0 || gaps.some(([from, to]) => time > from && time < to);
    // uPlot's type does not allow null, but null means no point.
    return isNothing ? (null as unknown as number) : nearest(stretch.times, time);
  }

  #cursorOf(plot: uPlot): Cursor {
    const left = plot.cursor.left ?? -1;
    if (left < 0) return null;
    const points = this.#scene.lines.map(({ stretch }, place): Point | null => {
      const index = this.#indexUnder(plot, place) as number | null;
      if (index === null) return null;
      return { time: stretch.times[index] as number, value: stretch.values[index] as number };
    });
    return { time: plot.posToVal(left, "x"), points };
  }

  #font(ratio: number): string {
    return this.#look.font.replace(/^[\d.]+/, (size) => String(Number(size) * ratio));
  }

  #fit(least: number | null, greatest: number | null): uPlot.Range.MinMax {
    if (least === null || greatest === null) return this.#range ? [...this.#range] : [0, 1];
    let [low, high] = [least, greatest];
    for (const { below } of this.#scene.lines) {
      if (below) [low, high] = [Math.min(low, below.low), Math.max(high, below.high)];
    }
    const known = this.#range;
    if (known && low >= known[0] && high <= known[1]) {
      if ((high - low) / (known[1] - known[0]) >= RANGE_USED_LEAST) return [...known];
    }
    const spread = high - low;
    const margin = spread > 0 ? spread * PADDING : Math.max(Math.abs(high) * 0.05, 0.5);
    const fitted = spread > 0 ? uPlot.rangeNum(low - margin, high + margin, 0, false) : null;
    this.#range = fitted ? [fitted[0] as number, fitted[1] as number] : [low - margin, high + margin];
    return [...this.#range];
  }
}

/** Ticks fall on whole hours and days of the chosen zone. For UTC: a date whose local fields are UTC's. */
function dateInZone(time: number): Date {
  const local = new Date(time);
  return formats.peek().isUtc ? new Date(time + local.getTimezoneOffset() * 60_000) : local;
}

/** Pixels that a time takes: "10:44:12", or longer with am and pm. */
function labelWidth(): number {
  return clockTime(0).length * LABEL_CHARACTER;
}

/**
 * The ticks' times of day, rounded to seconds against floating-point errors. Empty where it would be cut off.
 */
function timeLabels(plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  const most = plot.width - labelWidth() / 2;
  return splits.map((split) => {
    if (plot.valToPos(split, "x") + AXIS_WIDTH > most) return "";
    const time = Math.round(split / 1000) * 1000;
    return step < DAY_S * 1000 ? clockTime(time) : dayOf(time);
  });
}

function takeSelection(plot: uPlot, zoom: (from: number, to: number) => void): void {
  const { left, width } = plot.select;
  if (width <= 0) return;
  const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  zoom(Math.round(from), Math.round(to));
}

function pixels(plot: uPlot, from: number, to: number): [number, number] {
  return [plot.valToPos(from, "x", true), plot.valToPos(to, "x", true)];
}

function frameOf(plot: uPlot): Frame {
  return {
    context: plot.ctx,
    ...plot.bbox,
    ratio: uPlot.pxRatio,
    x: (time) => plot.valToPos(time, "x", true),
    y: (value) => plot.valToPos(value, "y", true),
  };
}
