import { useEffect, useRef } from "preact/hooks";
import { usePage } from "../page";
import { hashOf, SECTIONS, type Section } from "../route";

/** What not everybody may see: the right that it takes, and who has that. */
export const GUARDED: Partial<Record<Section, { readonly right: string; readonly who: string }>> = {
  keys: { right: "keys:write", who: "managers" },
  rejections: { right: "raw:read", who: "operators" },
  settings: { right: "devices:write", who: "managers" },
};

export function sectionTitle(section: Section): string {
  return section.charAt(0).toUpperCase() + section.slice(1);
}

/** Links to what there is of a device; what is forbidden is not offered. */
export function SectionLinks() {
  const page = usePage();
  const route = page.route.value;
  const offered = SECTIONS.filter((section) => {
    const guard = GUARDED[section];
    return !guard || page.rights.value.has(guard.right);
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
