import type { AlertRest, Silence } from "../../live/alertRest";
import type { RuleInfo } from "../../live/ruleRest";
import { moment } from "../../paint/format";
import { type Page, usePage } from "../page";
import { Failure, useSending } from "../parts/forms";
import { type Loadable, Loaded } from "../parts/Loaded";

interface SilenceListProps {
  readonly rest: AlertRest;
  readonly rules: readonly RuleInfo[];
  readonly silences: Loadable<readonly Silence[]>;
}

/** Of what nobody is told at present, and until when. */
export function SilenceList({ rest, rules, silences }: SilenceListProps) {
  const page = usePage();
  const { failure, isSending, send } = useSending();
  const end = (id: number) =>
    send(async () => {
      await rest.endSilence(id);
      await silences.reload();
    });
  return (
    <Loaded of={silences}>
      {(found) =>
        found.length > 0 && (
          <>
            <h3>Silences</h3>
            <Failure reason={failure} />
            <ul class="records" aria-label="Silences">
              {found.map((silence) => (
                <li key={silence.id} class="record record-head">
                  <span>
                    <strong>{whatIsSilent(page, silence, rules)}</strong>
                    {` until ${moment(silence.until)}, by ${silence.by}`}
                    {silence.comment && `: ${silence.comment}`}
                  </span>
                  <span class="grow" />
                  {mayEnd(page, silence) && (
                    <button
                      type="button"
                      class="button"
                      disabled={isSending}
                      aria-label={`End the silence of ${whatIsSilent(page, silence, rules)}`}
                      onClick={() => void end(silence.id)}
                    >
                      End
                    </button>
                  )}
                </li>
              ))}
            </ul>
          </>
        )
      }
    </Loaded>
  );
}

function whatIsSilent({ live }: Page, silence: Silence, rules: readonly RuleInfo[]): string {
  const { device, label, rule } = silence;
  if (device !== null) return live.fleet.get(device)?.name ?? device;
  return label ?? rules.find(({ id }) => id === rule)?.name ?? `rule ${rule}`;
}

function mayEnd({ live, rights }: Page, { device, label }: Silence): boolean {
  const may = rights.value;
  const info = device === null ? null : live.fleet.get(device)?.info;
  if (info) return may.mayFor("notes:write", info);
  return label === null ? may.mayForAll("notes:write") : may.mayForLabel("notes:write", label);
}
