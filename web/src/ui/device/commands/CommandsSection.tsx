import type { DeviceRest } from "../../../live/deviceRest";
import { Failure, useSending } from "../../parts/forms";
import { Loaded, useLoaded } from "../../parts/Loaded";
import { useDeviceNews } from "../useDeviceNews";
import { CommandRecord } from "./CommandRecord";
import { SendForm } from "./SendForm";
import { useCommands } from "./useCommands";

interface CommandsProps {
  readonly rest: DeviceRest;
  readonly name: string;
  readonly mayOperate: boolean;
}

/** Commands to a device: a form for what it knows, and how far each one sent has come, live. */
export function CommandsSection({ rest, name, mayOperate }: CommandsProps) {
  const { newest, noteAnswer, listed, older } = useCommands(rest);
  const methods = useLoaded(() => rest.methods());
  const { failure, isSending, send } = useSending();
  useDeviceNews((news) => {
    if (news.type === "attributes") void methods.reload(); // the device may have declared others
  });
  return (
    <>
      <div class="section-head">
        <h3>Commands</h3>
      </div>
      {mayOperate && (
        <Loaded of={methods}>
          {(known) => <SendForm rest={rest} name={name} methods={known} sent={noteAnswer} />}
        </Loaded>
      )}
      <Loaded of={newest}>
        {() =>
          listed.length === 0 ? (
            <p class="message">No command was sent to this device yet.</p>
          ) : (
            <ul class="records" aria-label="Sent commands">
              {listed.map((command) => (
                <CommandRecord
                  key={command.id}
                  of={command}
                  rest={rest}
                  mayCancel={mayOperate}
                  changed={noteAnswer}
                />
              ))}
            </ul>
          )
        }
      </Loaded>
      <Failure reason={failure} />
      {older && (
        <button type="button" class="button" disabled={isSending} onClick={() => void send(older)}>
          Older commands
        </button>
      )}
    </>
  );
}
