/** Labels as people write them: "hall=North", one a line. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join("\n");
}

/** Reads what `labelsText` writes. Throws where a line is no key=value. */
export function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const part of text.split("\n")) {
    if (part.trim() === "") continue;
    const [key, ...value] = part.split("=");
    if (!key?.trim() || value.length === 0) {
      throw new Error("Labels are written like hall=North, one a line.");
    }
    labels[key.trim()] = value.join("=").trim();
  }
  return labels;
}
