import type { Session } from "../live/rest";
import { Rights } from "../live/rights";
import { ACCESS_VIEWS, type AccessView } from "./route";

export const ACCESS_WORD: Readonly<Record<AccessView, string>> = {
  account: "Account",
  tokens: "Tokens",
  people: "People",
  audit: "Audit",
};

/**
 * The views of people that somebody is offered: an account and tokens of one's own to whoever is logged in,
 * those of all to admins. A token is no log in.
 */
export function accessViewsFor(session: Session | null): readonly AccessView[] {
  const isAdmin = new Rights(session).mayForAll("people:write");
  const isPerson = session !== null && session.origin !== "token" && session.origin !== "local";
  const isFor: Readonly<Record<AccessView, boolean>> = {
    account: isPerson,
    tokens: isPerson || isAdmin,
    people: isAdmin,
    audit: isAdmin,
  };
  return ACCESS_VIEWS.filter((view) => isFor[view]);
}
