import { useEffect, useId, useState } from "preact/hooks";
import type { AlertDetail, AlertRest } from "../../live/alertRest";
import { moment, plainNumber, span } from "../../paint/format";
import { MomentLink, SeverityMark } from "../AlertsDrawer";
import { usePage } from "../page";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { Loaded, useLoaded } from "../parts/Loaded";

interface AlertLineProps {
  readonly rest: AlertRest;
  readonly of: AlertDetail;
  readonly isChosen: boolean;
  /** null where it is not one's own to act on. */
  readonly toggle: (() => void) | null;
}

/** One alert; opened, with what happened to it. */
export function AlertLine({ rest, of: alert, isChosen, toggle }: AlertLineProps) {
  const page = usePage();
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const device = page.live.fleet.get(alert.device)?.name ?? alert.device;
  const { severity, state } = alert;
  return (
    <li class="record" data-alert={alert.id} data-over={state === "resolved"}>
      <div class="alert-head">
        {toggle && (
          <input
            type="checkbox"
            data-focus
            aria-label={`Choose ${alert.name}, ${device}`}
            checked={isChosen}
            onChange={toggle}
          />
        )}
        <SeverityMark severity={severity} />
        <button
          type="button"
          class="alert-name"
          data-focus={toggle === null}
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => setOpen(!isOpen)}
        >
          <strong>{alert.name}</strong>
          <span class="small">{[...factsOf(alert, device)].join(" · ")}</span>
        </button>
        {alert.state === "firing" && !alert.acknowledged && <span class="alert-open">open</span>}
      </div>
      <div id={id}>{isOpen && <AlertHistory rest={rest} of={alert} mayComment={toggle !== null} />}</div>
    </li>
  );
}

function* factsOf(alert: AlertDetail, device: string): Iterable<string> {
  yield alert.severity === "critical" ? "Critical" : "Warning";
  yield alert.metric === null ? device : `${device}, ${alert.metric}`;
  yield `since ${moment(alert.opened)}`;
  if (alert.resolved !== null) yield `over after ${span(alert.resolved - alert.opened)}`;
  if (alert.peak) yield `worst ${valueText(alert.peak[1])}`;
  if (alert.flapping) yield `flapping, ${alert.count} times`;
  if (alert.late) yield "known late";
  if (alert.acknowledged) yield `acknowledged by ${alert.acknowledged.by}`;
  if (alert.silenced) yield "silenced";
  if (alert.why) yield alert.why;
}

function valueText(value: number | string | boolean): string {
  return typeof value === "number" ? plainNumber(value) : String(value);
}

interface HistoryProps {
  readonly rest: AlertRest;
  readonly of: AlertDetail;
  readonly mayComment: boolean;
}

/** Who did what and when; the hub's own doings, too. */
function AlertHistory({ rest, of: alert, mayComment }: HistoryProps) {
  const history = useLoaded(() => rest.history(alert.id));
  const { failure, isSending, send } = useSending();
  const { reload } = history;
  useEffect(() => {
    void reload();
  }, [alert, reload]);
  const say = (comment: string, form: HTMLFormElement) =>
    send(async () => {
      await rest.comment(alert.id, comment);
      form.reset();
      await reload();
    });
  return (
    <div class="alert-history">
      <Loaded of={history}>
        {(events) => (
          <ol aria-label="What happened">
            {events.map(({ event, at, by, text }) => (
              <li key={`${event} ${at}`}>
                <span class="small">{moment(at)}</span> <strong>{event}</strong>
                {by && ` by ${by}`}
                {text && <>: {text}</>}
              </li>
            ))}
          </ol>
        )}
      </Loaded>
      <MomentLink deviceId={alert.device} time={alert.opened}>
        <span class="text-link">The readings of that time</span>
      </MomentLink>
      {mayComment && (
        <Form label="Comment" submit={(field, form) => say(field("comment"), form)}>
          <Field label="Comment" name="comment" required maxLength={1000} />
          <Failure reason={failure} />
          <button type="submit" class="button" disabled={isSending}>
            Add
          </button>
        </Form>
      )}
    </div>
  );
}
