import { useEffect, useRef } from "preact/hooks";
import { count, delay } from "../../paint/format";
import { setText } from "../../paint/rowPainters";
import { usePage } from "../page";

const TOTALS_MS = 1_000;
/** Twice a second an overview comes; a rate over less than this would flicker. */
const RATE_OVER_MS = 1_900;

/** The figures above the list: how many are online, how fast values come and how late. */
export function Totals() {
  const page = usePage();
  const { fleet } = page.live;
  const rate = useRef<HTMLElement>(null);
  const unit = useRef<HTMLElement>(null);
  const late = useRef<HTMLElement>(null);
  useEffect(() => {
    let before = { updates: fleet.updates, at: performance.now() };
    return page.loop.add({
      intervalMs: () => TOTALS_MS,
      paint: () => {
        const now = performance.now();
        const isLive = page.live.connectionState.peek().kind === "live";
        if (now - before.at >= RATE_OVER_MS && rate.current) {
          const perSecond = ((fleet.updates - before.updates) / (now - before.at)) * 1000;
          const { readingsPerS } = page.live;
          setText(rate.current, isLive ? count(readingsPerS ?? perSecond) : "–");
          if (unit.current) setText(unit.current, readingsPerS === null ? "updates/s" : "readings/s");
          before = { updates: fleet.updates, at: now };
        }
        const ms = page.live.delay.take();
        if (late.current) setText(late.current, ms === null || !isLive ? "–" : delay(ms));
      },
    });
  }, [page, fleet]);
  fleet.structure.value;
  const online = fleet.count("online");
  const all = fleet.count();
  const isLost = page.live.lostAt.value !== null;
  return (
    <dl class="totals">
      <Total name={isLost ? "were online" : "online"}>
        {fleet.phase.value.kind === "ready" ? `${count(online)}/${count(all)}` : "–"}
      </Total>
      <Total name="not online">{fleet.phase.value.kind === "ready" ? count(all - online) : "–"}</Total>
      <div>
        <dt ref={unit}>updates/s</dt>
        <dd ref={rate} data-total="rate">
          –
        </dd>
      </div>
      <div>
        <dt>delay</dt>
        <dd ref={late} data-total="delay">
          –
        </dd>
      </div>
    </dl>
  );
}

function Total({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-total={name}>{children}</dd>
    </div>
  );
}
