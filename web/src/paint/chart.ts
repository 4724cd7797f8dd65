/** The only file that knows uPlot. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Stretch } from "../live/ring";
import { clockTime, dayOf } from "./format";

/** Colours as the canvas needs them: resolved, for the theme of the moment. */
export interface Look {
  readonly line: string;
  readonly fill: string;
  readonly grid: string;
  readonly text: string;
  readonly gap: string;
  readonly font: string;
}

/** What is under the cursor; null when it left the chart. */
export type CursorPoint = { readonly time: number; readonly value: number } | null;

const HEIGHT = 176;
const AXIS_WIDTH = 56;
const AXIS_HEIGHT = 28;
/** Pixels that "10:44:12" takes, with room around it. */
const LABEL_WIDTH = 60;
const DAY_S = 86_400;
const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200],
  ...[1, 2, 5, 10, 30, 90, 365].map((days) => days * DAY_S),
].map((seconds) => seconds * 1000);
/** Pixels; less is a click. */
const DRAG_LEAST = 5;
/** A y-range that fits is kept until the points use less than this part of it: axes that twitch are hard to read. */
const RANGE_USED_LEAST = 0.45;
const PADDING = 0.12;

/** One metric's live chart. It shows what `draw` hands it and keeps nothing but its y-range. */
export class MetricChart {
  readonly #plot: uPlot;
  #gaps: readonly (readonly [number, number])[] = [];
  #range: readonly [number, number] | null = null;

  constructor(
    host: HTMLElement,
    look: Look,
    cursorMoved: (point: CursorPoint) => void,
    zoom: (from: number, to: number) => void,
  ) {
    this.#plot = new uPlot(this.#options(look, host.clientWidth, cursorMoved, zoom), [[], []], host);
  }

  /** Shows the points from `from` to `to`, with `gaps` shaded and no line across them. */
  draw(stretch: Stretch, gaps: readonly (readonly [number, number])[], from: number, to: number): void {
    // What is being drawn over with the mouse must not move from under it.
    if (this.#plot.select.width > 0) return;
    this.#gaps = gaps;
    this.#plot.batch(() => {
      this.#plot.setData([stretch.times, stretch.values], false);
      this.#plot.setScale("x", { min: from, max: to });
    });
  }

  resize(width: number): void {
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #options(
    look: Look,
    width: number,
    cursorMoved: (point: CursorPoint) => void,
    zoom: (from: number, to: number) => void,
  ): uPlot.Options {
    const axis: uPlot.Axis = {
      stroke: look.text,
      font: look.font,
      grid: { stroke: look.grid, width: 1 },
      ticks: { show: false },
    };
    return {
      width: Math.max(width, 100),
      height: HEIGHT,
      ms: 1,
      pxAlign: 0,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: DRAG_LEAST },
        // The cursor is shared; a drag is one chart's own.
        sync: {
          key: "device",
          filters: { pub: (type) => type === "mousemove" || type === "mouseleave", sub: () => true },
        },
        points: { size: 7, fill: look.line, stroke: look.line },
      },
      scales: { x: { time: true }, y: { range: (_plot, low, high) => this.#fit(low, high) } },
      axes: [
        { ...axis, size: AXIS_HEIGHT, space: LABEL_WIDTH, incrs: [...STEPS_MS], values: timeLabels },
        { ...axis, size: AXIS_WIDTH, space: 28 },
      ],
      series: [
        {},
        {
          stroke: look.line,
          fill: look.fill,
          width: 1.5,
          points: { show: false },
          gaps: (plot) => this.#gaps.map(([from, to]) => pixels(plot, from, to)),
        },
      ],
      hooks: {
        drawClear: [(plot) => this.#shadeGaps(plot, look.gap)],
        setSelect: [(plot) => takeSelection(plot, zoom)],
        setCursor: [(plot) => cursorMoved(pointUnder(plot))],
      },
    };
  }

  #shadeGaps(plot: uPlot, colour: string): void {
    const { left, top, width, height } = plot.bbox;
    plot.ctx.fillStyle = colour;
    for (const [from, to] of this.#gaps) {
      const [x0, x1] = pixels(plot, from, to);
      const start = Math.max(left, x0);
      const end = Math.min(left + width, x1);
      if (end > start) plot.ctx.fillRect(start, top, end - start, height);
    }
  }

  #fit(low: number | null, high: number | null): uPlot.Range.MinMax {
    if (low === null || high === null) return [0, 1];
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

/** Times of day for the ticks, which fall on whole seconds but for a float's last bit. None where it would be cut off. */
function timeLabels(plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  const most = plot.width - LABEL_WIDTH / 2;
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

function pointUnder(plot: uPlot): CursorPoint {
  const index = plot.cursor.idx;
  if (index === null || index === undefined || (plot.cursor.left ?? -1) < 0) return null;
  const time = plot.data[0]?.[index];
  const value = plot.data[1]?.[index];
  return typeof time === "number" && typeof value === "number" ? { time, value } : null;
}
