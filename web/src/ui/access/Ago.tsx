import { age, moment } from "../../paint/format";
import { usePage } from "../page";

/** How long ago a time is, with the exact one to point at and to be read out; `none` where there is none. */
export function Ago({ time, none }: { time: string | null; none: string }) {
  const page = usePage();
  if (time === null) return <>{none}</>;
  const exact = moment(time);
  const past = age(Math.max(0, page.live.hubClock.now() - Date.parse(time)));
  return (
    <time dateTime={time} title={exact}>
      {past === "now" ? "just now" : past}
      <span class="unseen">, {exact}</span>
    </time>
  );
}
