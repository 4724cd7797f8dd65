import { useId } from "preact/hooks";

/** One field of a draft: what stands in it, whether that is unsaved, and what is wrong with it. */
export interface DraftField {
  readonly name: string;
  readonly text: string;
  readonly isChanged: boolean;
  readonly fault: string | undefined;
  readonly edit: (text: string) => void;
  /** The field has the focus. */
  readonly enter: () => void;
}

interface SettingFieldProps {
  readonly of: DraftField;
  readonly label: string;
  readonly hint?: string;
  readonly inputMode?: "decimal" | "numeric";
  readonly maxLength?: number;
  /** Of several lines. */
  readonly isLong?: boolean;
  /** What there is to choose from, words by value; a text is typed where this is left out. */
  readonly choices?: Readonly<Record<string, string>>;
}

/** A labelled field that says beside itself what is unsaved and what is wrong. */
export function SettingField({ of: field, label, hint, isLong, choices, ...input }: SettingFieldProps) {
  const id = useId();
  const said = [hint && `${id}-hint`, field.fault && `${id}-fault`].filter(Boolean).join(" ");
  const shared = {
    id,
    name: field.name,
    class: "field",
    value: field.text,
    "aria-invalid": field.fault ? true : undefined,
    "aria-describedby": said || undefined,
    onInput: (typed: Event) => field.edit((typed.currentTarget as HTMLInputElement).value),
    onFocus: field.enter,
  };
  return (
    <div class="form-field" data-changed={field.isChanged || undefined}>
      <label for={id}>
        {label}
        {field.isChanged && <span class="changed"> unsaved</span>}
      </label>
      {choices ? (
        <select {...shared}>
          {Object.entries(choices).map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      ) : isLong ? (
        <textarea rows={2} spellcheck={false} autocomplete="off" {...shared} />
      ) : (
        <input type="text" spellcheck={false} autocomplete="off" {...input} {...shared} />
      )}
      {hint && (
        <span id={`${id}-hint`} class="small">
          {hint}
        </span>
      )}
      {field.fault && (
        <span id={`${id}-fault`} class="field-fault">
          {field.fault}
        </span>
      )}
    </div>
  );
}
