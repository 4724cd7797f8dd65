import { useMemo } from "preact/hooks";
import { DeviceRest } from "../../live/deviceRest";
import type { DeviceRecord } from "../../live/fleet";
import style from "../../styles/section.css?inline";
import { usePage } from "../page";
import { adoptStyle } from "../parts/adoptStyle";
import type { Section } from "../route";
import { AttributesSection } from "./AttributesSection";
import { CommandsSection } from "./CommandsSection";
import { KeysSection } from "./KeysSection";
import { RejectionsSection } from "./RejectionsSection";
import { GUARDED, sectionTitle } from "./SectionLinks";
import { SettingsSection } from "./settings/SettingsSection";

adoptStyle(style);

/** Any section of a device but its readings. */
export function DeviceSection({ device, section }: { device: DeviceRecord; section: Section }) {
  const page = usePage();
  const rest = useMemo(() => new DeviceRest(page.live.rest, device.id), [page, device.id]);
  page.live.fleet.structure.value;
  const session = page.live.session.value;
  if (!session || !device.info) return <p class="message loading">Loading</p>;
  const guard = GUARDED[section];
  if (guard && !page.rights.value.has(guard.right)) {
    return (
      <div class="message">
        <h3>
          {sectionTitle(section)} are for {guard.who}
        </h3>
        <p>
          You are logged in as {session.name}, a {session.role}.
        </p>
      </div>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too
    <section class="section" tabIndex={0} aria-label={sectionTitle(section)}>
      {section === "keys" && <KeysSection rest={rest} />}
      {section === "rejections" && <RejectionsSection rest={rest} />}
      {section === "commands" && <CommandsSection rest={rest} name={device.name} />}
      {section === "attributes" && <AttributesSection rest={rest} />}
      {section === "settings" && <SettingsSection rest={rest} info={device.info} />}
    </section>
  );
}
