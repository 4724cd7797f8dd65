import { accessViewsFor } from "./accessViews";
import { usePage } from "./page";
import { lazy } from "./parts/lazy";
import { Popover } from "./parts/Popover";

const AccountMenu = lazy(() => import("./AccountMenu").then((room) => room.AccountMenu));

/** Who is logged in, and a menu of what is theirs; nothing until that is known, and for programs. */
export function AccountButton() {
  const page = usePage();
  const session = page.live.session.value;
  if (!session || accessViewsFor(session).length === 0) return null;
  const button = (
    <>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="5.5" r="3" />
        <path d="M2 14.5a6 6 0 0 1 12 0" />
      </svg>
      <span class="wide-only ellipsis account-name">{session.name}</span>
      <span class="unseen">, {session.role}: account</span>
    </>
  );
  return (
    <Popover title="Your account" button={button} buttonClass="button icon-button account-button">
      <AccountMenu />
    </Popover>
  );
}
