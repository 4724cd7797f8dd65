import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof THEMES)[number];

const KEY = "theme";

/**
 * The theme: the choice, kept in the browser, and what it shows as. CSS does the rest with `color-scheme`.
 */
export class Themes {
  readonly #root: HTMLElement;
  readonly #storage: Storage;
  readonly #choice: Signal<ThemeChoice>;
  readonly #systemIsDark: Signal<boolean>;
  readonly shown: ReadonlySignal<"light" | "dark">;

  constructor(root: HTMLElement, storage: Storage) {
    this.#root = root;
    this.#storage = storage;
    const kept = readKept(storage);
    this.#choice = signal(THEMES.find((theme) => theme === kept) ?? "system");
    const query = matchMedia("(prefers-color-scheme: dark)");
    this.#systemIsDark = signal(query.matches);
    query.addEventListener("change", () => {
      this.#systemIsDark.value = query.matches;
    });
    this.shown = computed(() => {
      if (this.#choice.value !== "system") return this.#choice.value;
      return this.#systemIsDark.value ? "dark" : "light";
    });
    this.#root.dataset.theme = this.#choice.value;
  }

  get choice(): ReadonlySignal<ThemeChoice> {
    return this.#choice;
  }

  choose(theme: ThemeChoice): void {
    this.#root.dataset.theme = theme;
    this.#choice.value = theme;
    try {
      this.#storage.setItem(KEY, theme);
    } catch {
      // A browser that keeps nothing still shows the theme until the tab closes.
    }
  }
}

function readKept(storage: Storage): string | null {
  try {
    return storage.getItem(KEY);
  } catch {
    return null;
  }
}
