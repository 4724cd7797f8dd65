/** Labels as people write them: "hall=North, kind=pump". */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");
}

/** Reads what `labelsText` writes. Null where a part is no key=value. */
export function labelsOf(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const [key, ...value] = part.split("=");
    if (!key?.trim() || value.length === 0) return null;
    labels[key.trim()] = value.join("=").trim();
  }
  return labels;
}
