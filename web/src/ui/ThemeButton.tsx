import { usePage } from "./page";
import { THEMES, type ThemeChoice } from "./theme";

/** Sun, moon, and for what the system says a disc half light and half dark. */
const ICON: Readonly<Record<ThemeChoice, string>> = {
  system: "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12v12",
  light:
    "M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6M8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.4 1.4M11.6 11.6L13 13M3 13l1.4-1.4M11.6 4.4L13 3",
  dark: "M13 10A5.8 5.8 0 0 1 6 3a5.8 5.8 0 1 0 7 7z",
};

/** Goes round system, light and dark; shows which it is now. */
export function ThemeButton() {
  const page = usePage();
  const theme = page.themes.choice.value;
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <button
      type="button"
      class="button theme"
      title={`Change to ${next} theme`}
      onClick={() => page.setTheme(next)}
    >
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d={ICON[theme]} />
        {theme === "system" && <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />}
      </svg>
      <span class="theme-word">Theme: {theme}</span>
    </button>
  );
}
