import { useEffect, useRef, useState } from "preact/hooks";
import type { Command, CommandsPage, DeviceRest } from "../../live/deviceRest";
import { moment } from "../../paint/format";
import { Confirm } from "../parts/Confirm";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { type Loadable, Loaded, useLoaded } from "../parts/Loaded";
import { isDangerous } from "./danger";
import { jsonOf, numberOf } from "./parseInput";

/** How often commands under way are asked about. */
const AGAIN_MS = 1_000;
const WAIT_S = 60;
const PAGE = 20;

/** Commands to a device: sent, and how far each has come. */
export function CommandsSection({ rest, name }: { rest: DeviceRest; name: string }) {
  const newest = useLoaded(() => rest.commands(PAGE));
  useWhileUnderWay(newest);
  return (
    <>
      <div class="section-head">
        <h3>Commands</h3>
      </div>
      <SendForm rest={rest} name={name} sent={newest.reload} />
      <Loaded of={newest}>
        {(found) =>
          found.commands.length === 0 ? (
            <p class="message">No command was sent to this device yet.</p>
          ) : (
            <Sent rest={rest} newest={found} />
          )
        }
      </Loaded>
    </>
  );
}

/** The newest commands, and older ones page by page as they are asked for. */
function Sent({ rest, newest }: { rest: DeviceRest; newest: CommandsPage }) {
  // All commands seen, by id: those that new commands push off the newest page stay in view.
  const seen = useRef(new Map<number, Command>());
  const [next, setNext] = useState(newest.next);
  const { failure, isSending, send } = useSending();
  const remember = (page: CommandsPage) => {
    for (const command of page.commands) seen.current.set(command.id, command);
  };
  remember(newest);
  const more = () =>
    send(async () => {
      if (next === null) return;
      const older = await rest.commands(PAGE, next);
      remember(older);
      setNext(older.next);
    });
  return (
    <>
      <ul class="records" aria-label="Sent commands">
        {[...seen.current.values()]
          .sort((a, b) => b.id - a.id)
          .map((command) => (
            <CommandRecord key={command.id} of={command} />
          ))}
      </ul>
      <Failure reason={failure} />
      {next !== null && (
        <button type="button" class="button" disabled={isSending} onClick={() => void more()}>
          Older commands
        </button>
      )}
    </>
  );
}

function useWhileUnderWay({ state, reload }: Loadable<CommandsPage>): void {
  const isUnderWay = state.kind === "ready" && state.value.commands.some((one) => one.ended_at === null);
  useEffect(() => {
    if (!isUnderWay) return;
    const timer = setInterval(() => void reload(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [isUnderWay, reload]);
}

interface Wanted {
  readonly method: string;
  readonly params: unknown;
  readonly waitS: number;
}

interface SendFormProps {
  readonly rest: DeviceRest;
  readonly name: string;
  readonly sent: () => Promise<void>;
}

/** Sends at once, or asks first where the method sounds dangerous or asking was chosen. */
function SendForm({ rest, name, sent }: SendFormProps) {
  const { failure, isSending, send } = useSending();
  const [asked, setAsked] = useState<Wanted | null>(null);
  const form = useRef<HTMLFormElement | null>(null);
  const dispatch = async ({ method, params, waitS }: Wanted) => {
    await rest.sendCommand(method, params, waitS);
    form.current?.reset();
    await sent();
  };
  const submit = (field: (name: string) => string, submitted: HTMLFormElement) =>
    send(async () => {
      form.current = submitted;
      const waitS = numberOf(field("wait"), "Wait") ?? WAIT_S;
      const wanted = { method: field("method"), params: paramsOf(field("params")), waitS };
      if (field("ask") !== "" || isDangerous(wanted.method)) setAsked(wanted);
      else await dispatch(wanted);
    });
  return (
    <>
      <Form submit={submit} label="Send a command">
        <div class="fields">
          <Field label="Method" name="method" required placeholder="set_level" />
          <Field label="Parameters, JSON" name="params" placeholder={'{"level": 3}'} />
          <Field label="Wait, s" name="wait" defaultValue={String(WAIT_S)} inputMode="decimal" />
        </div>
        <Failure reason={failure} />
        <div class="send-foot">
          <label class="tick">
            <input type="checkbox" name="ask" />
            <span>Ask before sending</span>
          </label>
          <span class="small">Reboot, reset, off and the like are always asked about.</span>
          <span class="grow" />
          <button type="submit" class="button primary" disabled={isSending}>
            Send
          </button>
        </div>
      </Form>
      {asked && (
        <Confirm
          title={`Send ${asked.method} to ${name}?`}
          text={`${spoken(asked)} The device may act on it at once; it cannot be taken back.`}
          act={`Send ${asked.method}`}
          run={() => dispatch(asked)}
          close={() => setAsked(null)}
        />
      )}
    </>
  );
}

function spoken({ params }: Wanted): string {
  return params === null ? "Without parameters." : `With ${JSON.stringify(params)}.`;
}

function paramsOf(text: string): unknown {
  if (text === "") return null;
  try {
    return jsonOf(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error('Parameters: this is not JSON. A text goes in quotes: "fast".');
  }
}

function CommandRecord({ of: command }: { of: Command }) {
  const steps = [
    `queued ${moment(command.created_at)}`,
    command.sent_at && `sent ${moment(command.sent_at)}`,
    command.delivered_at && `delivered ${moment(command.delivered_at)}`,
    command.ended_at === null
      ? `waits until ${moment(command.expires_at)}`
      : `${command.state} ${moment(command.ended_at)}`,
  ].filter(Boolean);
  return (
    <li class="record">
      <div class="record-head">
        <code>
          {command.method} {command.params === null ? "" : JSON.stringify(command.params)}
        </code>
        <span class="grow" />
        <strong>{command.state}</strong>
      </div>
      <p class="small">{steps.join(" → ")}</p>
      {(command.state === "done" || command.state === "failed") && (
        <pre class="wrapped">
          <code>{JSON.stringify(command.response)}</code>
        </pre>
      )}
    </li>
  );
}
