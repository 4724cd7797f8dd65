import { resolveColour, resolveTint } from "./colour";
import type { Concern } from "./concern";
import type { Line } from "./lines";

/** Colours as the canvas needs them: resolved for the current theme. */
export interface Look {
  readonly lines: readonly LineLook[];
  readonly grid: string;
  readonly text: string;
  readonly gap: string;
  readonly back: string;
  readonly concern: Readonly<Record<Concern, string>>;
  readonly concernTint: Readonly<Record<Concern, string>>;
  readonly font: string;
}

export interface LineLook {
  readonly stroke: string;
  /** What is under it; null where lines would cover each other. */
  readonly fill: string | null;
  /** Of the band between minimum and maximum. */
  readonly tint: string;
  /** Which shape is drawn along the line, or null. */
  readonly shape: number | null;
}

/** The colours of a card in the current theme. `isFilled`: a single line is filled down to the axis. */
export function lookOf(card: HTMLElement, lines: readonly Line[], isFilled: boolean): Look {
  return {
    lines: lines.map(({ colour, shape }) => ({
      stroke: resolveColour(card, `--series-${colour}`),
      fill: isFilled && lines.length === 1 ? resolveTint(card, `--series-${colour}`, 10) : null,
      tint: resolveTint(card, `--series-${colour}`, 25),
      shape,
    })),
    grid: resolveColour(card, "--line"),
    text: resolveColour(card, "--muted"),
    gap: resolveColour(card, "--gap"),
    back: resolveColour(card, "--panel"),
    concern: { warning: resolveColour(card, "--stale"), critical: resolveColour(card, "--offline") },
    concernTint: { warning: resolveTint(card, "--stale", 9), critical: resolveTint(card, "--offline", 11) },
    font: `11px ${getComputedStyle(card).fontFamily}`,
  };
}
