/** A number as typed, with point or comma; null where the field is empty. Throws where it is no number. */
export function numberOf(text: string, name: string): number | null {
  if (text === "") return null;
  const value = Number(text.replace(",", "."));
  if (!Number.isFinite(value)) throw new Error(`${name}: “${text}” is not a number.`);
  return value;
}

/** JSON as typed; what is no JSON is taken as a text. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
