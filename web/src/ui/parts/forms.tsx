import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import style from "../../styles/forms.css?inline";
import { adoptStyle } from "./adoptStyle";

adoptStyle(style);

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
  /** The id of a list of texts to choose from. */
  readonly list?: string;
  /** Of several lines. */
  readonly isLong?: boolean;
}

/** A labelled text field, with a hint below it. */
export function Field({ label, hint, isLong, ...input }: FieldProps) {
  const id = useId();
  const shared = {
    ...input,
    id,
    class: "field",
    autocomplete: "off",
    spellcheck: false,
    "aria-describedby": hint ? `${id}-hint` : undefined,
  } as const;
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      {isLong ? <textarea rows={2} {...shared} /> : <input type="text" {...shared} />}
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

/**
 * One request at a time, and why the last one failed, in words: its own, unless `explain` has better ones.
 * `send` returns whether it succeeded.
 */
export function useSending(explain: (error: unknown) => string | null = () => null) {
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
      setFailure(explain(error) ?? (error instanceof Error ? error.message : String(error)));
      return false;
    } finally {
      isBusy.current = false;
      setSending(false);
    }
  };
  return { failure, isSending, send };
}

/** A form; `submit` gets its fields by name. */
export function Form(props: {
  submit: (field: (name: string) => string, form: HTMLFormElement) => unknown;
  label?: string | undefined;
  children: ComponentChildren;
}) {
  return (
    <form
      class="form"
      aria-label={props.label}
      onSubmit={(submitted) => {
        submitted.preventDefault();
        const form = submitted.currentTarget;
        const values = new FormData(form);
        void props.submit((name) => String(values.get(name) ?? "").trim(), form);
      }}
    >
      {props.children}
    </form>
  );
}
