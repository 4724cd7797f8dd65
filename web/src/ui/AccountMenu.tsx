import { useEffect, useRef } from "preact/hooks";
import style from "../styles/choices.css?inline";
import { ACCESS_WORD, accessViewsFor } from "./accessViews";
import { usePage } from "./page";
import { adoptStyle } from "./parts/adoptStyle";
import { hashOf } from "./route";

adoptStyle(style);

/** Who is logged in, the views of people that they may open, and the way out. */
export function AccountMenu() {
  const page = usePage();
  const route = page.route.value;
  const session = page.live.session.value;
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const close = () => menu.current?.closest<HTMLElement>("[popover]")?.hidePopover();
    addEventListener("hashchange", close);
    return () => removeEventListener("hashchange", close);
  }, []);
  if (!session) return null;
  return (
    <div ref={menu} class="menu">
      <p class="menu-head">
        <strong class="ellipsis">{session.name}</strong>
        <span class="small">{session.role}</span>
      </p>
      <nav aria-label="Account">
        {page.rights.value.mayForAll("metrics:scrape") && (
          <a class="narrow-link" href="#/system">
            System
          </a>
        )}
        {accessViewsFor(session).map((access) => (
          <a
            key={access}
            href={hashOf({ ...route, deviceId: null, isWall: false, access })}
            aria-current={route.access === access ? "page" : undefined}
          >
            {ACCESS_WORD[access]}
          </a>
        ))}
      </nav>
      <button type="button" class="button" onClick={() => void page.live.logOut()}>
        Log out
      </button>
    </div>
  );
}
