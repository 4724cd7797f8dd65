import { useId, useRef, useState } from "preact/hooks";

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly hint?: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly defaultValue?: string;
  readonly inputMode?: "decimal";
}

/** A labelled text field, with a hint below it. */
export function Field({ label, hint, ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      <input
        type="text"
        autocomplete="off"
        spellcheck={false}
        {...input}
        id={id}
        class="field"
        aria-describedby={hint ? `${id}-hint` : undefined}
      />
      {hint && (
        <span id={`${id}-hint`} class="small">
          {hint}
        </span>
      )}
    </div>
  );
}

export function Failure({ reason }: { reason: string | null }) {
  return reason === null ? null : (
    <p role="alert" class="failure">
      {reason}
    </p>
  );
}

/** One request at a time, and in words why the last one failed. `send` tells whether it went well. */
export function useSending() {
  const [failure, setFailure] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const isBusy = useRef(false);
  const send = async (request: () => Promise<void>): Promise<boolean> => {
    if (isBusy.current) return false;
    isBusy.current = true;
    setSending(true);
    setFailure(null);
    try {
      await request();
      return true;
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      return false;
    } finally {
      isBusy.current = false;
      setSending(false);
    }
  };
  return { failure, isSending, send };
}
