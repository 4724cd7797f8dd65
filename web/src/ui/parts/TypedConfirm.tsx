import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "./Dialog";
import { Failure, Field, Form, useSending } from "./forms";

interface TypedConfirmProps {
  readonly title: string;
  /** What has to be typed. */
  readonly word: string;
  readonly run: () => Promise<void>;
  readonly close: () => void;
  /** What is lost. */
  readonly children: ComponentChildren;
}

/** Asks before something is removed for good, and wants its name typed. `run` closes the dialog. */
export function TypedConfirm({ title, word, run, close, children }: TypedConfirmProps) {
  const { failure, isSending, send } = useSending();
  const [typed, setTyped] = useState("");
  const isSure = typed.trim() === word;
  return (
    <Dialog title={title} close={close}>
      <Form submit={() => isSure && send(run)}>
        {children}
        <div onInput={(input) => setTyped((input.target as HTMLInputElement).value)}>
          <Field label={`Type ${word} to confirm`} name="confirmed" />
        </div>
        <Failure reason={failure} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button danger" disabled={!isSure || isSending}>
            Remove for good
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
