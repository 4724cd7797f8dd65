import { stretch } from "../../../paint/format";
import { usePage } from "../../page";
import { hashOf, type Range } from "../../route";

/** The range of the past that is shown, links to move it without a mouse, and the way back to live. */
export function RangeBar({ range }: { range: Range }) {
  const page = usePage();
  const route = page.route.value;
  const width = range.to - range.from;
  const link = (label: string, from: number, to: number) => (
    <a class="button" href={hashOf({ ...route, range: { from: Math.round(from), to: Math.round(to) } })}>
      {label}
    </a>
  );
  return (
    <div class="range-bar">
      <span>{stretch(range.from, range.to)}</span>
      <span class="grow" />
      {link("Earlier", range.from - width / 2, range.to - width / 2)}
      {link("Later", range.from + width / 2, range.to + width / 2)}
      {link("Zoom in", range.from + width / 4, range.to - width / 4)}
      {link("Zoom out", range.from - width / 2, range.to + width / 2)}
      <a class="button primary" href={hashOf({ ...route, range: null })}>
        Back to live
      </a>
    </div>
  );
}
