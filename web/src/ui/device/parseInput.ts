/** A number as typed, with point or comma; null where the field is empty. Throws where it is no number. */
export function numberOf(text: string, name: string): number | null {
  if (text === "") return null;
  const value = Number(text.replace(",", "."));
  if (!Number.isFinite(value)) throw new Error(`${name}: “${text}” is not a number.`);
  refuseUnsafe(value);
  return value;
}

/** JSON as typed. Throws SyntaxError where it is none, RangeError for a number that may have been changed. */
export function jsonOf(text: string): unknown {
  return JSON.parse(text, (_name, value: unknown) => {
    if (typeof value === "number") refuseUnsafe(value);
    return value;
  });
}

/** JSON as typed; what is no JSON is taken as a text. Throws as `jsonOf` for a number. */
export function jsonOrText(text: string): unknown {
  try {
    return jsonOf(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function refuseUnsafe(value: number): void {
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new RangeError(
      `${value} is over 2^53, where numbers are not exact. Write it as a text, in quotes.`,
    );
}
