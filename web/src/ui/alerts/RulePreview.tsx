import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { RuleRest, Trial } from "../../live/ruleRest";
import { count, plainNumber } from "../../paint/format";
import type { PastLine } from "../../paint/past";
import { TrialChart, type ValueScale } from "../../paint/trial";
import chartStyle from "../../styles/chart.css?inline";
import { usePage } from "../page";
import { adoptStyle } from "../parts/adoptStyle";
import { Loaded, useLoaded } from "../parts/Loaded";
import { boundsOf, type RuleDraft, ruleOf } from "./ruleDraft";

adoptStyle(chartStyle);

const AFTER_MS = 250;
const POINTS = 800;
/** A step of a bound by key: this part of what the chart shows from top to bottom. */
const STEP = 100;

interface PreviewProps {
  readonly rest: RuleRest;
  readonly draft: RuleDraft;
  /** The device whose readings are shown; the rule is played for all that it is for. */
  readonly deviceId: string;
  readonly range: { readonly from: number; readonly to: number };
  readonly edit: (path: string, text: string) => void;
  /** What the hub said against the rule; null while it is right. */
  readonly refused: (error: unknown) => void;
}

/** When the rule would have fired, drawn over the readings while one changes it. */
export function RulePreview({ rest, draft, deviceId, range, edit, refused }: PreviewProps) {
  const page = usePage();
  const metric = page.live.fleet.get(deviceId)?.metric(draft.metric ?? "");
  const trial = useTrial(rest, draft, range, refused);
  const loaded = useLoaded(async (): Promise<PastLine | null> => {
    if (metric?.type !== "number") return null;
    const { from, to } = range;
    const history = await page.live.rest.history(deviceId, metric.name, from, to, POINTS);
    const line = { key: metric.name, deviceId, metric, owner: null, colour: 0, shape: null };
    return { line, history, expectedMs: null };
  });
  return (
    <div class="rule-preview">
      <p role="status">{trialWords(trial, draft)}</p>
      <Loaded of={loaded}>
        {(line) =>
          line && (
            <Picture line={line} trial={trial} draft={draft} deviceId={deviceId} range={range} edit={edit} />
          )
        }
      </Loaded>
    </div>
  );
}

function trialWords(trial: Trial | null, draft: RuleDraft): string {
  if (!trial) {
    const isPresence = draft.when === "presence";
    return isPresence ? "Presence cannot be tried: the history has none." : "Not tried yet.";
  }
  const fired = trial.alerts.length;
  const times = `${trial.whole ? "" : "more than "}${count(fired)} ${fired === 1 ? "time" : "times"}`;
  const played = `${count(trial.readings)} ${trial.tier === "raw" ? "readings" : "minutes"}`;
  return `Would have fired ${times}, in ${played}.`;
}

/** Plays the rule a moment after it was changed; an answer to an earlier one is not waited for. */
function useTrial(
  rest: RuleRest,
  draft: RuleDraft,
  range: PreviewProps["range"],
  refused: (error: unknown) => void,
): Trial | null {
  const [trial, setTrial] = useState<Trial | null>(null);
  const told = useRef(refused);
  told.current = refused;
  const rule = ruleOf(draft);
  const asked = JSON.stringify({ ...rule, name: rule.name || "New rule" });
  useEffect(() => {
    const stop = new AbortController();
    const play = async () => {
      try {
        const found = await rest.test(JSON.parse(asked), range.from, range.to, stop.signal);
        if (stop.signal.aborted) return;
        setTrial(found);
        told.current(null);
      } catch (error) {
        if (stop.signal.aborted) return;
        setTrial(null);
        told.current(error);
      }
    };
    const timer = rule.metric === null ? 0 : setTimeout(() => void play(), AFTER_MS);
    if (rule.metric === null) setTrial(null);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [asked, range.from, range.to]);
  return trial;
}

interface PictureProps extends Pick<PreviewProps, "draft" | "deviceId" | "range" | "edit"> {
  readonly line: PastLine;
  readonly trial: Trial | null;
}

function Picture({ line, trial, draft, deviceId, range, edit }: PictureProps) {
  const page = usePage();
  const theme = page.themes.shown.value;
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<TrialChart | null>(null);
  const [scale, setScale] = useState<ValueScale | null>(null);
  const bounds = boundsOf(draft);
  useLayoutEffect(() => {
    if (!host.current || !theme) return;
    chart.current = new TrialChart(host.current, line, range);
    return () => chart.current?.destroy();
  }, [line, theme]);
  const key = JSON.stringify([bounds, draft.severity, theme]);
  useEffect(() => {
    const alerts = (trial?.alerts ?? []).filter(({ device }) => device === deviceId);
    const concern = draft.severity === "critical" ? "critical" : "warning";
    chart.current?.draw({ alerts, bounds: bounds.map(({ value }) => value), concern }, setScale);
  }, [line, trial, key]);
  return (
    <div class="chart-frame">
      <div ref={host} class="chart" role="img" aria-label={`${line.line.metric.name}, with the rule`} />
      {scale &&
        bounds.map(({ path, value }) => (
          <BoundSlider key={path} path={path} value={value} scale={scale} edit={edit} />
        ))}
    </div>
  );
}

interface BoundSliderProps {
  readonly path: string;
  readonly value: number;
  readonly scale: ValueScale;
  readonly edit: (path: string, text: string) => void;
}

/** A bound's line, which is dragged up and down, or moved by the arrow keys. */
function BoundSlider({ path, value, scale, edit }: BoundSliderProps) {
  const y = scale.yOf(value);
  const span = Math.abs(scale.valueAt(scale.top) - scale.valueAt(scale.top + scale.height));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(span || 1)));
  const move = (to: number) => edit(path, String(Number(to.toFixed(Math.min(digits, 12)))));
  return (
    <div
      class="rule-bound"
      role="slider"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Threshold"
      aria-valuenow={value}
      aria-valuetext={plainNumber(value)}
      style={{ top: `${Math.max(scale.top, Math.min(y, scale.top + scale.height))}px` }}
      onPointerDown={(down) => down.currentTarget.setPointerCapture(down.pointerId)}
      onPointerMove={(moved) => {
        const { currentTarget } = moved;
        if (!currentTarget.hasPointerCapture(moved.pointerId)) return;
        const top = currentTarget.parentElement?.getBoundingClientRect().top ?? 0;
        const at = Math.max(scale.top, Math.min(moved.clientY - top, scale.top + scale.height));
        move(scale.valueAt(at));
      }}
      onKeyDown={(pressed) => {
        const steps = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[pressed.key];
        if (steps === undefined) return;
        pressed.preventDefault();
        move(value + (steps * span) / STEP);
      }}
    />
  );
}
