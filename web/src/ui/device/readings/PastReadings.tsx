import type { LineGroup } from "../../../paint/lines";
import { usePage } from "../../page";
import type { Range } from "../../route";
import type { Opened } from "../opened";
import { HistoryCard } from "./HistoryCard";
import type { Hidden } from "./Legend";
import { RangeBar } from "./RangeBar";

interface PastProps {
  readonly groups: readonly LineGroup[];
  readonly opened: readonly Opened[];
  readonly range: Range;
  readonly hidden: Hidden;
  readonly zoom: (from: number, to: number) => void;
}

/** The charts, or tables, of a range of the past. */
export function PastReadings({ groups, opened, range, hidden, zoom }: PastProps) {
  const { isTable } = usePage().route.value;
  return (
    <>
      <RangeBar range={range} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too */}
      <section class="cards" tabIndex={0} aria-label="Readings">
        {groups.map((group, place) => (
          <HistoryCard
            key={JSON.stringify([group.lines, range.from, range.to, isTable])}
            group={group}
            opened={opened}
            range={range}
            hidden={hidden}
            isFirst={place === 0}
            zoom={zoom}
          />
        ))}
      </section>
    </>
  );
}
