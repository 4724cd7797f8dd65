import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type AlertDetail, type AlertFilter, AlertRest } from "../../live/alertRest";
import { RuleRest } from "../../live/ruleRest";
import { count } from "../../paint/format";
import { usePage } from "../page";
import { Failure, useSending } from "../parts/forms";
import { type Loadable, Loaded, useLoaded } from "../parts/Loaded";
import { type AlertPlace, hashOf } from "../route";
import { Acknowledge, SilenceDialog } from "./AlertDialogs";
import { AlertFilters } from "./AlertFilters";
import { AlertLine } from "./AlertLine";
import { alertFilterOf, alertsNow, queryOf } from "./alertFilter";
import { keyTask } from "./alertKeys";
import { SilenceList } from "./SilenceList";

const PAGE = 100;

/** What fires, or fired: filtered by its link, live, with what may be done about it. */
export function AlertsView({ query }: { query: AlertPlace["query"] }) {
  const page = usePage();
  const rest = useMemo(() => new AlertRest(page.live.rest), [page]);
  const rules = useLoaded(() => new RuleRest(page.live.rest).rules());
  const silences = useLoaded(() => rest.silences());
  const filter = alertFilterOf(query);
  const choose = (change: Partial<AlertFilter>) => {
    const chosen = queryOf({ ...filter, ...change });
    location.replace(hashOf({ ...page.route.peek(), alerts: { view: "alerts", query: chosen } }));
  };
  const told = page.live.alerts.list.value;
  useEffect(() => page.live.alerts.seen(), [page, told]);
  const known = rules.state.kind === "ready" ? rules.state.value : [];
  return (
    <>
      <AlertFilters filter={filter} rules={known} choose={choose} />
      <FoundAlerts key={JSON.stringify(filter)} rest={rest} filter={filter} silenced={silences.reload} />
      <SilenceList rest={rest} rules={known} silences={silences} />
    </>
  );
}

interface FoundProps {
  readonly rest: AlertRest;
  readonly filter: AlertFilter;
  readonly silenced: () => Promise<void>;
}

/** The alerts of one filter. */
function FoundAlerts({ rest, filter, silenced }: FoundProps) {
  const older = useRef<readonly AlertDetail[]>([]);
  const [next, setNext] = useState<number | null | undefined>(undefined);
  const newest = useLoaded(() => rest.alerts(filter, PAGE, null));
  const { failure, isSending, send } = useSending();
  useReloadOnReturn(newest);
  const more = (before: number) =>
    send(async () => {
      const found = await rest.alerts(filter, PAGE, before);
      older.current = [...older.current, ...found.alerts];
      setNext(found.next);
    });
  return (
    <Loaded of={newest}>
      {(found) => {
        const before = next === undefined ? found.next : next;
        return (
          <>
            <AlertTable
              rest={rest}
              loaded={[...found.alerts, ...older.current]}
              hasOlder={before !== null}
              filter={filter}
              silenced={silenced}
            />
            <Failure reason={failure} />
            {before !== null && (
              <button type="button" class="button" disabled={isSending} onClick={() => void more(before)}>
                Older
              </button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

/** What happened while there was no connection was not told. */
function useReloadOnReturn({ reload }: Loadable<unknown>): void {
  const isLost = usePage().live.lostAt.value !== null;
  const wasLost = useRef(false);
  useEffect(() => {
    if (wasLost.current && !isLost) void reload();
    wasLost.current = isLost;
  }, [isLost, reload]);
}

interface TableProps {
  readonly rest: AlertRest;
  readonly loaded: readonly AlertDetail[];
  readonly hasOlder: boolean;
  readonly filter: AlertFilter;
  readonly silenced: () => Promise<void>;
}

function AlertTable({ rest, loaded, hasOlder, filter, silenced }: TableProps) {
  const { live, rights } = usePage();
  const told = live.alerts.list.value.flatMap((alert) => alert.told ?? []);
  const shown = alertsNow(loaded, told, filter, hasOlder);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const [task, setTask] = useState<"acknowledge" | "silence" | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const mayAct = rights.value.may("notes:write");
  const may = (alert: AlertDetail) => {
    const device = live.fleet.get(alert.device)?.info;
    return device ? rights.value.mayFor("notes:write", device) : rights.value.mayForAll("notes:write");
  };
  const acted = shown.filter((alert) => chosen.has(alert.id));
  const toggle = (id: number) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const done = () => {
    setTask(null);
    setChosen(new Set());
  };
  useEffect(() => {
    const press = (pressed: KeyboardEvent) =>
      keyTask(pressed, list.current, (id) => {
        const alert = shown.find((one) => one.id === id);
        if (chosen.size === 0 && alert && may(alert)) setChosen(new Set([alert.id]));
        if (chosen.size > 0 || (alert && may(alert))) setTask("acknowledge");
      });
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  return (
    <>
      {shown.length === 0 && <p class="message">No alert is like this.</p>}
      <ul class="records" aria-label="Alerts" ref={list}>
        {shown.map((alert) => (
          <AlertLine
            key={alert.id}
            rest={rest}
            of={alert}
            isChosen={chosen.has(alert.id)}
            toggle={may(alert) ? () => toggle(alert.id) : null}
          />
        ))}
      </ul>
      {mayAct && acted.length > 0 && (
        <div class="save-bar">
          <span class="grow">{count(acted.length)} chosen</span>
          <button type="button" class="button" onClick={() => setTask("silence")}>
            Silence
          </button>
          <button type="button" class="button primary" onClick={() => setTask("acknowledge")}>
            Acknowledge
          </button>
        </div>
      )}
      {task === "acknowledge" && (
        <Acknowledge rest={rest} alerts={acted} close={() => setTask(null)} done={done} />
      )}
      {task === "silence" && acted[0] && (
        <SilenceDialog
          rest={rest}
          alert={acted[0]}
          close={() => setTask(null)}
          done={async () => {
            await silenced();
            done();
          }}
        />
      )}
    </>
  );
}
