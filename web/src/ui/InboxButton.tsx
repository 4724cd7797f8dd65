import { count } from "../paint/format";
import { usePage } from "./page";
import { lazy } from "./parts/lazy";
import { Popover } from "./parts/Popover";

const InboxPanel = lazy(() => import("./InboxPanel").then((room) => room.InboxPanel));

/** How much waits that one has not seen; opens it. Programs have none. New entries are read out. */
export function InboxButton() {
  const page = usePage();
  const session = page.live.session.value;
  const unread = page.live.unread.count.value;
  if (!session || session.origin === "token" || session.role === "local") return null;
  const button = (
    <>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M2 4h12v8H2zM2 4.5l6 4 6-4" />
      </svg>
      {unread > 0 && <span class="alerts-count">{count(unread)}</span>}
      <span class="unseen">Inbox</span>
    </>
  );
  return (
    <>
      <Popover title="Inbox" button={button} buttonClass="button icon-button inbox-button" isWide>
        <InboxPanel />
      </Popover>
      <span aria-live="polite" class="unseen">
        {unread > 0 && `${count(unread)} unread`}
      </span>
    </>
  );
}
