import { count } from "../../paint/format";
import { usePage } from "../page";
import { PresenceMark } from "../parts/PresenceMark";
import { PRESENCE_WORD } from "../parts/words";
import { type Group, PROBLEMS } from "./listing";

interface GroupRowProps {
  readonly id: string;
  readonly group: Group;
  readonly rowIndex: number;
  readonly isActive: boolean;
  readonly isOpen: boolean;
  readonly toggle: () => void;
}

/** A group's heading: what its devices share, how many there are, and how many need looking after. */
export function GroupRow({ id, group, rowIndex, isActive, isOpen, toggle }: GroupRowProps) {
  const page = usePage();
  const { groupBy, metrics } = page.list.value;
  const troubled = PROBLEMS.filter((problem) => group.problems[problem] > 0);
  return (
    <div
      id={id}
      role="row"
      class={`group${isActive ? " is-active" : ""}`}
      aria-level={1}
      aria-rowindex={rowIndex}
      aria-expanded={isOpen}
      onClick={toggle}
    >
      <div role="gridcell" class="group-cell" aria-colspan={Math.max(4, metrics.length + 2)}>
        <span class="group-arrow" aria-hidden="true">
          {isOpen ? "▾" : "▸"}
        </span>
        <span class="ellipsis">
          {group.value === null ? (
            <span class="group-name">No {groupBy}</span>
          ) : (
            <>
              <span class="small">{groupBy}</span> <span class="group-name">{group.value}</span>
            </>
          )}
        </span>
        <span class="small">{count(group.devices.length)}</span>
        <span class="grow" />
        {troubled.map((problem) => (
          <span key={problem} class="state-word small">
            <PresenceMark presence={problem} />
            {count(group.problems[problem])} {PRESENCE_WORD[problem].toLowerCase()}
          </span>
        ))}
      </div>
    </div>
  );
}
