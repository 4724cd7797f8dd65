import type { Command } from "../../../live/command";
import type { DeviceRest } from "../../../live/deviceRest";
import { moment } from "../../../paint/format";
import { Failure, useSending } from "../../parts/forms";

/** By shape as well as by colour. */
const MARK: Readonly<Record<Command["state"], string>> = {
  queued: "○",
  sent: "◔",
  delivered: "◑",
  done: "✓",
  failed: "✕",
  expired: "⌛",
  cancelled: "–",
};

interface RecordProps {
  readonly of: Command;
  readonly rest: DeviceRest;
  readonly mayCancel: boolean;
  readonly changed: (command: Command) => void;
}

/** One command: how far it has come, each step with its time, and what came of it. */
export function CommandRecord({ of: command, rest, mayCancel, changed }: RecordProps) {
  const { failure, isSending, send } = useSending();
  const cancel = () => send(async () => changed(await rest.cancelCommand(command.id)));
  return (
    <li class="record">
      <div class="record-head">
        <code>
          {command.method} {command.params === null ? "" : JSON.stringify(command.params)}
        </code>
        <span class="grow" />
        <span class="command-state" data-state={command.state}>
          <span aria-hidden="true">{MARK[command.state]}</span> <strong>{command.state}</strong>
        </span>
        {mayCancel && command.state === "queued" && (
          <button
            type="button"
            class="button"
            aria-label={`Cancel ${command.method}`}
            disabled={isSending}
            onClick={() => void cancel()}
          >
            Cancel
          </button>
        )}
      </div>
      <p class="small">{stepsOf(command).join(" → ")}</p>
      <Failure reason={failure} />
      {command.response !== null && (
        <pre class="wrapped">
          <code>{JSON.stringify(command.response)}</code>
        </pre>
      )}
    </li>
  );
}

function stepsOf(command: Command): string[] {
  return [
    `queued ${moment(command.created_at)}`,
    command.sent_at !== null && `sent ${moment(command.sent_at)}`,
    command.delivered_at !== null && `delivered ${moment(command.delivered_at)}`,
    command.ended_at === null
      ? `waits until ${moment(command.expires_at)}`
      : `${command.state} ${moment(command.ended_at)}`,
    command.batch !== null && `to many devices, batch ${command.batch}`,
  ].filter((step) => step !== false);
}
