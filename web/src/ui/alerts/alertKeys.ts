/** What the keys of the list of alerts do, as its help says. */
export const ALERT_KEYS = [
  ["j, ↓", "next alert"],
  ["k, ↑", "the one before"],
  ["Space", "choose it, or not"],
  ["Enter", "what happened to it"],
  ["a", "acknowledge those chosen, or this one"],
  ["/", "filter"],
] as const;

const STEPS: Readonly<Record<string, number>> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

/** Carries out what a key stands for; `acknowledge` gets the alert that has the focus, or null. */
export function keyTask(
  pressed: KeyboardEvent,
  list: HTMLElement | null,
  acknowledge: (id: number | null) => void,
): void {
  const { key, target } = pressed;
  if (!list || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
  if (
    !(target instanceof Element) ||
    target.closest("dialog, select, textarea, input:not([type=checkbox])")
  ) {
    return;
  }
  const line = target.closest<HTMLElement>("[data-alert]");
  const step = STEPS[key];
  if (step !== undefined) {
    const lines = [...list.querySelectorAll<HTMLElement>("[data-alert]")];
    const place = line ? lines.indexOf(line) + step : 0;
    const next = lines[Math.max(0, Math.min(place, lines.length - 1))];
    next?.querySelector<HTMLElement>("[data-focus]")?.focus();
  } else if (key === "a") {
    acknowledge(line ? Number(line.dataset.alert) : null);
  } else if (key === "/") {
    document.querySelector<HTMLElement>("[data-alert-filter]")?.focus();
  } else if (key === "Enter" && target.matches("[data-alert] input")) {
    line?.querySelector<HTMLElement>("button[aria-expanded]")?.click();
  } else return;
  pressed.preventDefault();
}
