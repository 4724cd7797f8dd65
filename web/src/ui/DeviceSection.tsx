import { useMemo } from "preact/hooks";
import { DeviceRest } from "../live/deviceRest";
import type { DeviceRecord } from "../live/fleet";
import { AttributesSection } from "./AttributesSection";
import { CommandsSection } from "./CommandsSection";
import { KeysSection } from "./KeysSection";
import { usePage } from "./page";
import { RejectionsSection } from "./RejectionsSection";
import { hashOf, SECTIONS, type Section } from "./route";
import { SettingsSection } from "./SettingsSection";

/** What only operators may see. */
const GUARDED: ReadonlySet<Section> = new Set(["keys", "settings"]);

function title(section: Section): string {
  return section.charAt(0).toUpperCase() + section.slice(1);
}

/** Links to what there is of a device; what is forbidden is not offered. */
export function SectionLinks() {
  const page = usePage();
  const route = page.route.value;
  const offered = SECTIONS.filter((section) => page.mayOperate.value || !GUARDED.has(section));
  return (
    <nav class="sections" aria-label="Device sections">
      {offered.map((section) => (
        <a
          key={section}
          href={hashOf({ ...route, section })}
          aria-current={section === route.section ? "page" : undefined}
        >
          {title(section)}
        </a>
      ))}
    </nav>
  );
}

/** Any section of a device but its readings. */
export function DeviceSection({ device, section }: { device: DeviceRecord; section: Section }) {
  const page = usePage();
  const rest = useMemo(() => new DeviceRest(page.live.rest, device.id), [page, device.id]);
  page.live.fleet.structure.value;
  const session = page.live.session.value;
  if (!session || !device.info) return <p class="message loading">Loading</p>;
  if (GUARDED.has(section) && !page.mayOperate.value) {
    return (
      <div class="message">
        <h3>{title(section)} are for operators</h3>
        <p>
          You are signed in as {session.name}, a {session.role}.
        </p>
      </div>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too
    <section class="section" tabIndex={0} aria-label={title(section)}>
      {section === "keys" && <KeysSection rest={rest} />}
      {section === "rejections" && <RejectionsSection rest={rest} />}
      {section === "commands" && <CommandsSection rest={rest} />}
      {section === "attributes" && <AttributesSection rest={rest} />}
      {section === "settings" && <SettingsSection rest={rest} info={device.info} />}
    </section>
  );
}
