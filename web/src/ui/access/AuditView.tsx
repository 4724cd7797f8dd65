import { useMemo, useRef, useState } from "preact/hooks";
import { type AuditEntry, type AuditFilter, auditExport, PeopleRest } from "../../live/peopleRest";
import { formats } from "../../paint/locale";
import { isPhone, usePage } from "../page";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { Loaded, useLoaded } from "../parts/Loaded";
import { hashOf } from "../route";
import { Ago } from "./Ago";
import { auditWords } from "./auditWords";

const PAGE = 50;
/** Parts of method and path that are worth looking for. */
const KINDS = [
  ["login", "log ins by a link"],
  ["/session", "log ins and outs, passwords"],
  ["/operators", "people"],
  ["/tokens", "tokens"],
  ["/keys", "keys of devices"],
  ["/commands", "commands"],
  ["/devices", "devices, and all that is theirs"],
  ["DELETE", "what was removed"],
] as const;

/** What people and programs did, newest first. */
export function AuditView() {
  const page = usePage();
  const rest = useMemo(() => new PeopleRest(page.live.rest), [page]);
  const [filter, setFilter] = useState<AuditFilter>({});
  const [turn, setTurn] = useState(0);
  const look = (wanted: AuditFilter) => {
    setFilter(wanted);
    setTurn(turn + 1);
  };
  return (
    <>
      <details class="folded" open={!isPhone()}>
        <summary>Look for</summary>
        <FilterForm look={look} />
      </details>
      <div class="section-head">
        <h3>What was done</h3>
        <a class="button" href={auditExport(filter)} download="audit.csv">
          Export as CSV
        </a>
      </div>
      <Entries key={turn} rest={rest} filter={filter} />
    </>
  );
}

function FilterForm({ look }: { look: (filter: AuditFilter) => void }) {
  const { failure, send } = useSending();
  const submit = (field: (name: string) => string) => send(async () => look(filterOf(field)));
  return (
    <Form label="Look for" submit={submit}>
      <div class="fields filters">
        <Field label="Who" name="who" />
        <Field label="What" name="what" list="audit-kinds" />
        <Field label="Device, by id" name="device" />
        <TimeField label="From" name="from" />
        <TimeField label="Until" name="to" />
      </div>
      <datalist id="audit-kinds">
        {KINDS.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </datalist>
      <Failure reason={failure} />
      <button type="submit" class="button">
        Look
      </button>
    </Form>
  );
}

/** A moment, in the zone that times are shown in. */
function TimeField({ label, name }: { label: string; name: string }) {
  const id = `audit-${name}`;
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      <input id={id} name={name} class="field" type="datetime-local" />
    </div>
  );
}

/** What is asked for. Throws where a time is none, or the end is not after the start. */
function filterOf(field: (name: string) => string): AuditFilter {
  const texts = ["who", "what", "device"].filter((name) => field(name) !== "");
  const times = ["from", "to"].filter((name) => field(name) !== "");
  const time = (name: string) => Date.parse(formats.peek().isUtc ? `${field(name)}Z` : field(name));
  const filter: AuditFilter = Object.fromEntries([
    ...texts.map((name) => [name, field(name)] as const),
    ...times.map((name) => [name, time(name)] as const),
  ]);
  if (filter.from !== undefined && filter.to !== undefined && filter.from >= filter.to) {
    throw new Error("“Until” is not after “From”.");
  }
  return filter;
}

/** The newest page, and older ones as they are asked for. */
function Entries({ rest, filter }: { rest: PeopleRest; filter: AuditFilter }) {
  const older = useRef<readonly AuditEntry[]>([]);
  const [next, setNext] = useState<number | null | undefined>(undefined);
  const newest = useLoaded(() => rest.audit(filter, PAGE, null));
  const { failure, isSending, send } = useSending();
  const more = (before: number) =>
    send(async () => {
      const page = await rest.audit(filter, PAGE, before);
      older.current = [...older.current, ...page.entries];
      setNext(page.next);
    });
  return (
    <Loaded of={newest}>
      {(found) => {
        const shown = [...found.entries, ...older.current];
        const before = next === undefined ? found.next : next;
        return (
          <>
            {shown.length === 0 && <p class="message">Nothing of that was done.</p>}
            <ul class="records" aria-label="What was done">
              {shown.map((entry) => (
                <EntryRecord key={entry.id} of={entry} />
              ))}
            </ul>
            <Failure reason={failure} />
            {before !== null && (
              <button
                type="button"
                class="button start"
                disabled={isSending}
                onClick={() => void more(before)}
              >
                Older
              </button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

/** Why something was not done. */
const RESULT_WORD: Readonly<Record<string, string>> = {
  wrong: "what was shown is wrong",
  forbidden: "not allowed",
  step_up: "who it is was not confirmed",
  not_found: "there is no such thing",
};

function EntryRecord({ of: entry }: { of: AuditEntry }) {
  const page = usePage();
  const { who, credential, address, what, device, result, count, detail } = entry;
  const isKnown = device !== null && page.live.fleet.get(device)?.info !== undefined;
  const isDone = result === "done";
  const facts = [
    !isDone && (RESULT_WORD[result] ?? result),
    count > 1 && `${count} times`,
    detail,
    address === "local" ? "on the hub's machine" : `from ${address}`,
    credential !== "local" && credential,
  ];
  return (
    <li class="record">
      <div class="record-head">
        <span>
          {!isDone && <strong class="refused">Not done: </strong>}
          <strong>{who || "Somebody"}</strong> {auditWords(what)}
        </span>
        <span class="grow" />
        <Ago time={entry.at} none="" />
      </div>
      <p class="small">
        {facts.filter(Boolean).join(" · ")}
        {isKnown && (
          <>
            {" · "}
            <a class="text-link" href={hashOf({ ...page.route.value, deviceId: device })}>
              {device}
            </a>
          </>
        )}
        {" · "}
        <code>{what}</code>
      </p>
    </li>
  );
}
