import { useEffect, useRef } from "preact/hooks";
import type { DeviceRecord } from "../../live/fleet";
import type { Right } from "../../live/rights";
import { usePage } from "../page";
import { hashOf, SECTIONS, type Section } from "../route";

/** The right that a section takes; those not named are for everybody who sees the device. */
export const SECTION_TAKES: Partial<Record<Section, Right>> = {
  keys: "keys:write",
  rejections: "raw:read",
  commands: "commands:write",
  settings: "commands:write",
};

export function sectionTitle(section: Section): string {
  return section.charAt(0).toUpperCase() + section.slice(1);
}

/** Links to what there is of a device; what is forbidden is not offered. */
export function SectionLinks({ device }: { device: DeviceRecord }) {
  const page = usePage();
  const route = page.route.value;
  page.live.fleet.structure.value;
  const { info } = device;
  const offered = SECTIONS.filter((section) => {
    const right = SECTION_TAKES[section];
    return !right || (info && page.rights.value.mayFor(right, info));
  });
  const links = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone not all of them fit: the open one must be in sight.
    const open = links.current?.querySelector("[aria-current]");
    open?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [route.section]);
  return (
    <nav ref={links} class="sections" aria-label="Device sections">
      {offered.map((section) => (
        <a
          key={section}
          href={hashOf({ ...route, section })}
          aria-current={section === route.section ? "page" : undefined}
        >
          {sectionTitle(section)}
        </a>
      ))}
    </nav>
  );
}
