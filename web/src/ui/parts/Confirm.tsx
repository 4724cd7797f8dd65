import { Dialog } from "./Dialog";
import { Failure, useSending } from "./forms";

interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  readonly act: string;
  readonly run: () => Promise<void>;
  readonly close: () => void;
}

/** Asks before something that cannot be undone; the focus begins on Cancel. */
export function Confirm({ title, text, act, run, close }: ConfirmProps) {
  const { failure, isSending, send } = useSending();
  const confirm = async () => {
    if (await send(run)) close();
  };
  return (
    <Dialog title={title} close={close}>
      <div class="form">
        <p>{text}</p>
        <Failure reason={failure} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="button" class="button danger" disabled={isSending} onClick={() => void confirm()}>
            {act}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
