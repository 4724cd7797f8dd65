import { useEffect, useMemo } from "preact/hooks";
import { InboxRest } from "../live/inboxRest";
import type { InboxEntry } from "../live/note";
import { moment } from "../paint/format";
import style from "../styles/inbox.css?inline";
import { placeOf, senderOf } from "./inboxWords";
import { usePage } from "./page";
import { adoptStyle } from "./parts/adoptStyle";
import { Failure, Field, Form, useSending } from "./parts/forms";
import { Loaded, useLoaded } from "./parts/Loaded";
import { hashOf } from "./route";

adoptStyle(style);

const TEXT_MAX = 2_000;
const NAME_MAX = 100;

/** Mentions, messages and alerts for the person logged in, newest first. What is shown has been seen. */
export function InboxPanel() {
  const page = usePage();
  const rest = useMemo(() => new InboxRest(page.live.rest), [page]);
  const unread = page.live.unread.count.value;
  const inbox = useLoaded(async () => {
    const found = await rest.newest();
    const newest = found.entries[0];
    if (newest && found.unread > 0) await rest.see(newest.id);
    return found;
  });
  useEffect(() => {
    if (unread > 0) void inbox.reload();
  }, [unread, inbox.reload]);
  return (
    <div class="inbox">
      <h2>Inbox</h2>
      <Loaded of={inbox}>
        {({ entries, seen }) =>
          entries.length === 0 ? (
            <p class="small">
              Nothing yet. Who writes @{page.live.session.value?.name} in a note reaches you here, and so do
              alerts that are routed to you.
            </p>
          ) : (
            <ul class="inbox-list" aria-label="Inbox">
              {entries.map((entry) => (
                <Entry key={entry.id} of={entry} isNew={entry.id > seen} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {page.rights.value.may("notes:write") && <MessageForm rest={rest} />}
    </div>
  );
}

function Entry({ of: entry, isNew }: { of: InboxEntry; isNew: boolean }) {
  const page = usePage();
  const device = entry.device === null ? null : (page.live.fleet.get(entry.device)?.name ?? entry.device);
  return (
    <li data-new={isNew}>
      <span class="small">
        <strong>{senderOf(entry)}</strong> {moment(entry.made_at)}
        {isNew && " · new"}
      </span>
      <span class="wrapped">{entry.text}</span>
      {entry.device !== null && (
        <a class="small" href={hashOf(placeOf(entry, page.route.value))}>
          {entry.kind === "alert" ? `${device} at that moment` : `on ${device}`}
        </a>
      )}
    </li>
  );
}

function MessageForm({ rest }: { rest: InboxRest }) {
  const { failure, isSending, send } = useSending();
  return (
    <Form
      label="Write to somebody"
      submit={async (field, form) => {
        if (await send(() => rest.send(field("to"), field("text")))) form.reset();
      }}
    >
      <Field label="To" name="to" required maxLength={NAME_MAX} />
      <Field label="Message" name="text" required maxLength={TEXT_MAX} isLong />
      <Failure reason={failure} />
      <div class="dialog-foot">
        <button type="submit" class="button primary" disabled={isSending}>
          Send
        </button>
      </div>
    </Form>
  );
}
