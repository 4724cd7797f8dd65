import { useEffect } from "preact/hooks";
import type { Command, DeviceRest } from "../live/deviceRest";
import { moment } from "../paint/format";
import { Failure, Field, Form, numberOf, useSending } from "./forms";
import { Loaded, type Loading, useLoaded } from "./Loaded";
import { usePage } from "./page";

/** How often commands under way are looked at again. */
const AGAIN_MS = 1_000;
const WAIT_S = 60;

/** Commands to a device: sent, and how far each has come. */
export function CommandsSection({ rest }: { rest: DeviceRest }) {
  const page = usePage();
  const commands = useLoaded(() => rest.commands());
  useWhileUnderWay(commands);
  return (
    <>
      <div class="section-head">
        <h3>Commands</h3>
      </div>
      {page.mayOperate.value && <SendForm rest={rest} sent={commands.reload} />}
      <Loaded of={commands}>
        {(found) =>
          found.length === 0 ? (
            <p class="message">No command was sent to this device yet.</p>
          ) : (
            <ul class="records" aria-label="Sent commands">
              {found.map((command) => (
                <CommandRecord key={command.id} of={command} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}

function useWhileUnderWay({ state, reload }: Loading<Command[]>): void {
  const isUnderWay =
    state.kind === "ready" && state.value.some((one) => one.state === "queued" || one.state === "sent");
  useEffect(() => {
    if (!isUnderWay) return;
    const timer = setInterval(() => void reload(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [isUnderWay, reload]);
}

function SendForm({ rest, sent }: { rest: DeviceRest; sent: () => Promise<void> }) {
  const { failure, isSending, send } = useSending();
  const submit = (field: (name: string) => string, form: HTMLFormElement) =>
    send(async () => {
      const waitS = numberOf(field("wait"), "Wait") ?? WAIT_S;
      await rest.sendCommand(field("method"), paramsOf(field("params")), waitS);
      form.reset();
      await sent();
    });
  return (
    <Form submit={submit} label="Send a command">
      <div class="fields">
        <Field label="Method" name="method" required placeholder="set_level" />
        <Field label="Parameters, JSON" name="params" placeholder={'{"level": 3}'} />
        <Field label="Wait, s" name="wait" defaultValue={String(WAIT_S)} inputMode="decimal" />
      </div>
      <Failure reason={failure} />
      <button type="submit" class="button primary" disabled={isSending}>
        Send
      </button>
    </Form>
  );
}

function paramsOf(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('Parameters: this is not JSON. A text goes in quotes: "fast".');
  }
}

function CommandRecord({ of: command }: { of: Command }) {
  const steps = [
    `queued ${moment(command.created_at)}`,
    command.sent_at && `sent ${moment(command.sent_at)}`,
    command.answered_at && `answered ${moment(command.answered_at)}`,
    command.state === "expired" && `expired ${moment(command.expires_at)}`,
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
      {command.state === "answered" && (
        <pre class="wrapped">
          <code>{JSON.stringify(command.response)}</code>
        </pre>
      )}
    </li>
  );
}
