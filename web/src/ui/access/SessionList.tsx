import { useState } from "preact/hooks";
import type { SessionInfo, SessionRest } from "../../live/sessionRest";
import { moment } from "../../paint/format";
import { Confirm } from "../parts/Confirm";
import { Failure, useSending } from "../parts/forms";
import { Loaded, useLoaded } from "../parts/Loaded";
import { Ago } from "./Ago";
import { browserWords } from "./browserWords";

const CAME_BY: Readonly<Record<string, string>> = {
  link: "a one-time link",
  password: "password",
  passkey: "a passkey",
};

/** How somebody came in: "by password", "by keycloak". */
function cameBy(origin: string): string {
  return `by ${CAME_BY[origin] ?? origin.replace(/^oidc:/, "")}`;
}

/** Where one is logged in; any of it can be ended. */
export function SessionList({ rest }: { rest: SessionRest }) {
  const sessions = useLoaded(() => rest.sessions());
  const [isAsking, setAsking] = useState(false);
  const { failure, send } = useSending();
  const end = (ids: readonly string[]) =>
    send(async () => {
      for (const id of ids) await rest.endSession(id);
      await sessions.reload();
    });
  const found = sessions.state.kind === "ready" ? sessions.state.value : [];
  const others = found.filter((one) => !one.is_this).map(({ id }) => id);
  return (
    <>
      <div class="section-head">
        <h3>Where you are logged in</h3>
        {others.length > 0 && (
          <button type="button" class="button" data-after-dialog onClick={() => setAsking(true)}>
            End all others
          </button>
        )}
      </div>
      <Failure reason={failure} />
      <Loaded of={sessions}>
        {(known) => (
          <ul class="records" aria-label="Sessions">
            {known.map((one) => (
              <SessionRecord key={one.id} of={one} end={() => void end([one.id])} />
            ))}
          </ul>
        )}
      </Loaded>
      {isAsking && (
        <Confirm
          title="End all other sessions?"
          text={
            `${others.length === 1 ? "One other browser is" : `${others.length} other browsers are`} ` +
            "logged out at once. This one stays."
          }
          act="End them"
          run={async () => void (await end(others))}
          close={() => setAsking(false)}
        />
      )}
    </>
  );
}

function SessionRecord({ of: session, end }: { of: SessionInfo; end: () => void }) {
  const { address, browser, origin, created_at, used_at, expires_at } = session;
  const from = address ?? "an unknown address";
  const name = browser === null ? "A browser" : browserWords(browser);
  return (
    <li class="record">
      <div class="record-head">
        <strong>{session.is_this ? `This browser: ${name}` : name}</strong>
        <span class="small">{from}</span>
        <span class="grow" />
        {!session.is_this && (
          <button
            type="button"
            class="button"
            aria-label={`End the session of ${name}, ${from}`}
            onClick={end}
          >
            End
          </button>
        )}
      </div>
      <p class="small">
        Logged in {cameBy(origin)} <Ago time={created_at} none="some time ago" />
        {" · "}last used <Ago time={used_at} none="some time ago" />
        {" · "}ends {moment(expires_at)}
      </p>
    </li>
  );
}
