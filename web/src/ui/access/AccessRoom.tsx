import { useEffect, useRef } from "preact/hooks";
import style from "../../styles/access.css?inline";
import choicesStyle from "../../styles/choices.css?inline";
import sectionStyle from "../../styles/section.css?inline";
import { ACCESS_WORD, accessViewsFor } from "../accessViews";
import { usePage } from "../page";
import { adoptStyle } from "../parts/adoptStyle";
import { lazy } from "../parts/lazy";
import { type AccessView, hashOf } from "../route";
import { AccountView } from "./AccountView";

adoptStyle(sectionStyle);
adoptStyle(choicesStyle);
adoptStyle(style);

const TokensView = lazy(() => import("./TokensView").then((room) => room.TokensView));
const PeopleView = lazy(() => import("./PeopleView").then((room) => room.PeopleView));
const AuditView = lazy(() => import("./AuditView").then((room) => room.AuditView));

const ROOMS = { account: AccountView, tokens: TokensView, people: PeopleView, audit: AuditView } as const;

/** One of the views of account, tokens, people and audit, with links to those that are offered. */
export function AccessRoom({ view }: { view: AccessView }) {
  const page = usePage();
  const route = page.route.value;
  const session = page.live.session.value;
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), [view]);
  const offered = accessViewsFor(session);
  const Room = ROOMS[view];
  return (
    <div class="panel access">
      <header class="access-head">
        <a class="button" href={hashOf({ ...route, access: null })}>
          <span aria-hidden="true">‹</span> Devices
        </a>
        <h2 ref={title} tabIndex={-1}>
          {ACCESS_WORD[view]}
        </h2>
      </header>
      <nav class="sections" aria-label="Account and people">
        {offered.map((access) => (
          <a
            key={access}
            href={hashOf({ ...route, access })}
            aria-current={access === view ? "page" : undefined}
          >
            {ACCESS_WORD[access]}
          </a>
        ))}
      </nav>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too */}
      <section class="section" tabIndex={0} aria-label={ACCESS_WORD[view]} key={view}>
        {session && (offered.includes(view) ? <Room /> : <NotForYou view={view} role={session.role} />)}
        {!session && <p class="message loading">Loading</p>}
      </section>
    </div>
  );
}

function NotForYou({ view, role }: { view: AccessView; role: string }) {
  const isOfAll = view === "people" || view === "audit";
  return (
    <div class="message">
      <h3>{isOfAll ? `${ACCESS_WORD[view]} is for admins` : "This is for people who are logged in"}</h3>
      <p>{isOfAll ? `You are logged in as ${role}.` : "A token has no account."}</p>
    </div>
  );
}
