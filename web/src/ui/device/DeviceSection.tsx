import { useMemo } from "preact/hooks";
import { DeviceRest } from "../../live/deviceRest";
import type { DeviceRecord } from "../../live/fleet";
import type { Session } from "../../live/rest";
import style from "../../styles/section.css?inline";
import { usePage } from "../page";
import { adoptStyle } from "../parts/adoptStyle";
import type { Section } from "../route";
import { AttributesSection } from "./AttributesSection";
import { CommandsSection } from "./commands/CommandsSection";
import { KeysSection } from "./KeysSection";
import { NotesSection } from "./notes/NotesSection";
import { RejectionsSection } from "./RejectionsSection";
import { SECTION_TAKES, sectionTitle } from "./SectionLinks";
import { SettingsSection } from "./settings/SettingsSection";

adoptStyle(style);

function whoYouAre({ name, role }: Session): string {
  return `You are logged in as ${name}, ${/^[ao]/.test(role) ? "an" : "a"} ${role}.`;
}

/** Any section of a device but its readings. */
export function DeviceSection({ device, section }: { device: DeviceRecord; section: Section }) {
  const page = usePage();
  const rest = useMemo(() => new DeviceRest(page.live.rest, device.id), [page, device.id]);
  page.live.fleet.structure.value;
  const session = page.live.session.value;
  if (!session || !device.info) return <p class="message loading">Loading</p>;
  const rights = page.rights.value;
  const right = SECTION_TAKES[section];
  if (right && !rights.mayFor(right, device.info)) {
    return (
      <div class="message">
        <h3>
          {sectionTitle(section)} are for {rights.leastRole(right)}s
        </h3>
        <p>{rights.may(right) ? "You are one, but not for this device." : whoYouAre(session)}</p>
      </div>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too
    <section class="section" tabIndex={0} aria-label={sectionTitle(section)}>
      {section === "notes" && (
        <NotesSection rest={rest} me={session} mayWrite={rights.mayFor("notes:write", device.info)} />
      )}
      {section === "keys" && <KeysSection rest={rest} />}
      {section === "rejections" && <RejectionsSection rest={rest} />}
      {section === "commands" && (
        <CommandsSection
          rest={rest}
          name={device.name}
          mayOperate={rights.mayFor("commands:write", device.info)}
        />
      )}
      {section === "attributes" && (
        <AttributesSection rest={rest} mayOperate={rights.mayFor("commands:write", device.info)} />
      )}
      {section === "settings" && (
        <SettingsSection
          rest={rest}
          info={device.info}
          mayManage={rights.mayFor("devices:write", device.info)}
        />
      )}
    </section>
  );
}
