import { moment, plainNumber } from "../paint/format";
import style from "../styles/choices.css?inline";
import { usePage } from "./page";
import { adoptStyle } from "./parts/adoptStyle";
import { Picker } from "./parts/Picker";
import { DENSITIES, type Density, HOURS, ZONES } from "./preferences";
import { THEMES } from "./theme";

adoptStyle(style);

/** The browser knows more; these are offered. Any other comes with "As the browser". */
const LOCALES = [
  ...["cs-CZ", "da-DK", "de-AT", "de-CH", "de-DE", "en-AU", "en-CA", "en-GB", "en-IN", "en-US", "es-ES"],
  ...["es-MX", "fi-FI", "fr-CA", "fr-CH", "fr-FR", "hu-HU", "it-IT", "ja-JP", "ko-KR", "nb-NO", "nl-NL"],
  ...["pl-PL", "pt-BR", "pt-PT", "ro-RO", "sv-SE", "tr-TR", "uk-UA", "zh-CN", "zh-TW"],
] as const;
const EXAMPLE = 1234.5;
const DENSITY_WORD: Readonly<Record<Density, string>> = { comfortable: "Comfortable", compact: "Compact" };

/** How this browser shows the page. */
export function PreferencesPanel() {
  const page = usePage();
  const { density, hours, zone } = page.preferences.choices.value;
  const choose = page.preferences.choose.bind(page.preferences);
  return (
    <div class="choices">
      <Picker
        legend="Theme"
        name="theme"
        options={THEMES}
        chosen={page.themes.choice.value}
        word={(theme) => theme.charAt(0).toUpperCase() + theme.slice(1)}
        choose={(theme) => page.themes.choose(theme)}
      />
      <Picker
        legend="Rows of the list"
        name="density"
        options={DENSITIES}
        chosen={density}
        word={(one) => DENSITY_WORD[one]}
        choose={(density) => choose({ density })}
      />
      <Picker
        legend="Hours"
        name="hours"
        options={HOURS}
        chosen={hours}
        word={(one) => `${one} h`}
        choose={(hours) => choose({ hours })}
      />
      <Picker
        legend="Times are"
        name="zone"
        options={ZONES}
        chosen={zone}
        word={(one) => (one === "utc" ? "UTC" : "Local")}
        choose={(zone) => choose({ zone })}
      />
      <LocaleMenu />
      <p class="small" role="status">
        {plainNumber(EXAMPLE)} · {moment(page.live.hubClock.now())}
      </p>
    </div>
  );
}

function LocaleMenu() {
  const page = usePage();
  const { locale } = page.preferences.choices.value;
  const offered = locale === null || LOCALES.some((one) => one === locale) ? LOCALES : [...LOCALES, locale];
  return (
    <label class="choices-menu">
      <span>Numbers and dates</span>
      <select
        class="field"
        value={locale ?? ""}
        onChange={(change) => page.preferences.choose({ locale: change.currentTarget.value || null })}
      >
        <option value="">As the browser</option>
        {offered.map((tag) => (
          <option key={tag} value={tag} lang={tag}>
            {localeName(tag)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A locale in its own words. */
function localeName(tag: string): string {
  return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
}
