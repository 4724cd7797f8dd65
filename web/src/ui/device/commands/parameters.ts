/** The form of a declared command: which fields it has, and what was typed as parameters. Pure. */
import type { KnownMethod, Schema } from "../../../live/deviceRest";

export interface ParameterField {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  /** How it is typed: a choice of texts, a number, a text, or JSON. */
  readonly kind: "choice" | "number" | "text" | "json";
  readonly choices: readonly string[];
  readonly isRequired: boolean;
  readonly first: string;
}

/** Null where the parameters are no object of named ones: they are typed as JSON then. */
export function fieldsOf(method: KnownMethod): ParameterField[] | null {
  const schema = method.params;
  if (schema?.type !== "object") return null;
  return Object.entries(schema.properties ?? {}).map(([name, one]) => ({
    name,
    label: (one.title ?? name) + (one.unit ? `, ${one.unit}` : ""),
    hint: [one.description, rangeOf(one)].filter(Boolean).join("; "),
    kind: kindOf(one),
    choices: choicesOf(one).map((choice) => textOf(choice)),
    isRequired: schema.required?.includes(name) ?? false,
    first: one.default === undefined ? "" : textOf(one.default),
  }));
}

function kindOf(schema: Schema): ParameterField["kind"] {
  if (schema.enum || schema.type === "boolean") return "choice";
  if (schema.type === "number" || schema.type === "integer") return "number";
  return schema.type === "string" ? "text" : "json";
}

function choicesOf(schema: Schema): readonly unknown[] {
  return schema.enum ?? (schema.type === "boolean" ? [true, false] : []);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Such as "0 to 5", "over 0", "at most 20 characters". */
function rangeOf(schema: Schema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength } = schema;
  const range =
    minimum !== undefined && maximum !== undefined
      ? [`${minimum} to ${maximum}`]
      : [minimum !== undefined && `at least ${minimum}`, maximum !== undefined && `at most ${maximum}`];
  return [
    ...range,
    exclusiveMinimum !== undefined && `over ${exclusiveMinimum}`,
    exclusiveMaximum !== undefined && `under ${exclusiveMaximum}`,
    minLength !== undefined && `at least ${minLength} characters`,
    maxLength !== undefined && `at most ${maxLength} characters`,
    schema.type === "integer" && "whole",
  ]
    .filter(Boolean)
    .join(", ");
}

/**
 * What was typed, by name; what is left empty is left out. The hub checks ranges, so this only reads.
 * @throws Error where it cannot be read, in words
 */
export function readParameters(
  method: KnownMethod,
  typed: (name: string) => string,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const field of fieldsOf(method) ?? []) {
    const text = typed(field.name);
    const schema = method.params?.properties?.[field.name] ?? {};
    if (text === "" && field.kind !== "choice" && !(field.kind === "text" && field.isRequired)) {
      if (field.isRequired) throw new Error(`${field.label}: is missing.`);
      continue;
    }
    if (field.kind === "choice") {
      const choice = choicesOf(schema).find((one) => textOf(one) === text);
      if (choice !== undefined) found[field.name] = choice;
      else if (field.isRequired) throw new Error(`${field.label}: choose one.`);
    } else found[field.name] = read(field, text);
  }
  return found;
}

function read({ kind, label }: ParameterField, text: string): unknown {
  if (kind === "text") return text;
  if (kind === "number") {
    const number = Number(text.replace(",", "."));
    if (Number.isFinite(number)) return number;
    throw new Error(`${label}: “${text}” is no number.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${label}: this is not JSON.`);
  }
}
