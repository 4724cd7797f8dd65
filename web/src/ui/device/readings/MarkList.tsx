import { useLayoutEffect, useRef } from "preact/hooks";
import { clockTime } from "../../../paint/format";
import style from "../../../styles/marks.css?inline";
import { usePage } from "../../page";
import { adoptStyle } from "../../parts/adoptStyle";
import { hashOf } from "../../route";
import type { Opened } from "../opened";
import { groupMarks, type Mark, marksOf } from "./marks";

adoptStyle(style);

const MOVE_MS = 100;
/** How much is shown before and after the moment that was chosen. */
const AROUND_MS = 5 * 60_000;
/** How wide a mark is to press, and how narrow a chart may be, in pixels. */
const MARK_PX = 24;
const CHART_PX = 280;
/** More lines than these hide the chart. */
const TEXTS_MAX = 6;

export interface MarkListProps {
  readonly opened: readonly Opened[];
  /** From when to when the chart shows. */
  readonly span: () => { readonly from: number; readonly to: number };
  /** The first chart's marks are reached by keyboard; those of the others are the same. */
  readonly isFirst: boolean;
}

/** What happened, as marks on the time axis, each with its text and a link to the time around it. */
export function MarkList({ opened, span, isFirst }: MarkListProps) {
  const page = usePage();
  const { alerts, presences } = page.live;
  const devices = opened.map(({ device }) => device);
  const notes = opened.flatMap(({ watch }) => watch.notes.list.value);
  const marks = marksOf(alerts.list.value, presences.list.value, devices, notes);
  const { from, to } = span();
  const groups = groupMarks(marks, ((to - from) * MARK_PX) / CHART_PX);
  const list = useRef<HTMLUListElement>(null);
  const spanNow = useRef(span);
  spanNow.current = span;
  useLayoutEffect(() => {
    const place = () => {
      const { from, to } = spanNow.current();
      for (const item of list.current?.children ?? []) {
        if (!(item instanceof HTMLElement)) continue;
        const part = (Number(item.dataset.time) - from) / (to - from);
        item.hidden = part < 0 || part > 1;
        item.style.setProperty("--part", String(part));
      }
    };
    place();
    return page.loop.add({ intervalMs: () => Math.max(MOVE_MS, page.minIntervalMs()), paint: place });
  }, [page, groups.length]);
  const around = (time: number) => ({
    from: Math.round(time - AROUND_MS),
    to: Math.round(Math.min(time + AROUND_MS, page.live.hubClock.now())),
  });
  return (
    <ul ref={list} class="marks" aria-label="What happened" aria-hidden={!isFirst}>
      {groups.map(({ key, kind, time, marks }) => (
        <li key={key} data-time={time}>
          <a
            class={`mark-link mark-of-${kind}`}
            href={hashOf({ ...page.route.value, range: around(time) })}
            data-text={textOf(marks)}
            tabIndex={isFirst ? 0 : -1}
          >
            <span class="unseen">{textOf(marks)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** A line for each. */
function textOf(marks: readonly Mark[]): string {
  const lines = marks.slice(0, TEXTS_MAX).map(({ time, text }) => `${clockTime(time)} ${text}`);
  if (marks.length > TEXTS_MAX) lines.push(`and ${marks.length - TEXTS_MAX} more`);
  return lines.join("\n");
}
