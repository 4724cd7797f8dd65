import { useId } from "preact/hooks";
import type { KnownMethod } from "../../../live/deviceRest";
import { Field } from "../../parts/forms";
import { fieldsOf, type ParameterField } from "./parameters";

/** What a parameter's field is called in the form, so that none is taken for another field of it. */
export function inputName(name: string): string {
  return `param.${name}`;
}

/** The parameters of a declared command, a field each. */
export function ParameterInputs({ method }: { method: KnownMethod }) {
  const fields = fieldsOf(method);
  if (fields === null) {
    return <Field label="Parameters, JSON" name="params" placeholder={'{"level": 3}'} />;
  }
  return (
    <>
      {fields.map((field) =>
        field.kind === "choice" ? (
          <ChoiceField key={field.name} of={field} />
        ) : (
          <Field
            key={field.name}
            label={field.label}
            name={inputName(field.name)}
            required={field.isRequired && field.kind !== "text"}
            defaultValue={field.first}
            {...(field.hint && { hint: field.hint })}
            {...(field.kind === "number" && { inputMode: "decimal" as const })}
            {...(field.kind === "json" && { placeholder: "JSON" })}
          />
        ),
      )}
    </>
  );
}

function ChoiceField({ of: field }: { of: ParameterField }) {
  const id = useId();
  return (
    <div class="form-field">
      <label for={id}>{field.label}</label>
      <select id={id} class="field" name={inputName(field.name)} defaultValue={field.first}>
        {!field.isRequired || field.first === "" ? <option value="">–</option> : null}
        {field.choices.map((choice) => (
          <option key={choice} value={choice} selected={choice === field.first}>
            {choice}
          </option>
        ))}
      </select>
      {field.hint && <span class="small">{field.hint}</span>}
    </div>
  );
}
