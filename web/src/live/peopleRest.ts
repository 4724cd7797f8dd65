import type { Rest } from "./rest";
import type { Grant, Right, Role, Scope } from "./rights";

/** A person who uses the hub. `created_at` is RFC 3339. */
export interface Person {
  readonly name: string;
  /** What they allow adds up. */
  readonly grants: readonly Grant[];
  /** Without one they come by one-time links. */
  readonly has_password: boolean;
  /** The provider that says what they may, and lets them in; null is the hub itself. */
  readonly issuer: string | null;
  readonly passkeys: readonly { readonly id: string; readonly name: string }[];
  readonly created_at: string;
}

/** A link that logs one browser in, once. */
export interface MadeLink {
  readonly link: string;
  readonly expires_at: string;
}

/** A program's token, without its secret. Times are RFC 3339. */
export interface TokenInfo {
  readonly id: string;
  readonly kind: "opaque" | "jwt";
  readonly name: string;
  /** Who made it. */
  readonly owner: string;
  readonly role: Grant["role"];
  readonly scope: Scope | null;
  /** No more than these; null is those of the role. */
  readonly rights: readonly Right[] | null;
  readonly created_at: string;
  readonly expires_at: string;
  readonly last_used_at: string | null;
  readonly last_used_from: string | null;
  readonly revoked_at: string | null;
}

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  readonly rights?: readonly Right[];
  readonly scope?: Scope;
  readonly ttl_s: number;
  readonly kind: TokenInfo["kind"];
}

/** A token that was just made: the only time it is seen. */
export interface MadeToken {
  readonly id: string;
  readonly token: string;
  readonly expires_at: string;
}

/** Something that somebody did, or was refused. `at` is RFC 3339. */
export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  /** Empty where that is not known. */
  readonly who: string;
  /** What was shown: "local", "session …", "token …", "password", … */
  readonly credential: string;
  readonly address: string;
  /** Method and path. */
  readonly what: string;
  readonly device: string | null;
  /** "done", or the code of the refusal. */
  readonly result: string;
  /** How often: refusals that repeat are counted together. */
  readonly count: number;
  readonly detail: string;
}

export interface AuditFilter {
  readonly who?: string;
  /** A part of method and path. */
  readonly what?: string;
  readonly device?: string;
  /** Milliseconds UTC; `to` is not included. */
  readonly from?: number;
  readonly to?: number;
}

/** Newest first; `next` leads to the page after it, null on the last one. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next: number | null;
}

const PEOPLE = "api/v1/operators";
const TOKENS = "api/v1/tokens";
const AUDIT = "api/v1/audit";

/** People, tokens of programs, and what both did. Throws as Rest does. */
export class PeopleRest {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /** By name. */
  async people(): Promise<Person[]> {
    return ((await this.#rest.ask(PEOPLE, "GET")) as { operators: Person[] }).operators;
  }

  async add(name: string, grants: readonly Grant[], password: string | null): Promise<void> {
    await this.#rest.ask(PEOPLE, "POST", { name, grants, ...(password !== null && { password }) });
  }

  /** What they may counts at once. */
  async grant(name: string, grants: readonly Grant[]): Promise<void> {
    await this.#rest.ask(personPath(name), "PATCH", { grants });
  }

  /** Their sessions end. */
  async setPassword(name: string, password: string): Promise<void> {
    await this.#rest.ask(personPath(name), "PATCH", { password });
  }

  /** They stay logged in where they are. */
  async removePasskey(name: string, id: string): Promise<void> {
    await this.#rest.ask(`${personPath(name)}/passkeys/${encodeURIComponent(id)}`, "DELETE");
  }

  async makeLink(name: string): Promise<MadeLink> {
    return (await this.#rest.ask(`${personPath(name)}/link`, "POST")) as MadeLink;
  }

  /** Their sessions, links and tokens end at once. */
  async remove(name: string): Promise<void> {
    await this.#rest.ask(personPath(name), "DELETE");
  }

  /** Oldest first: one's own, to admins all; those that are over, too, for a while. */
  async tokens(): Promise<TokenInfo[]> {
    return ((await this.#rest.ask(TOKENS, "GET")) as { tokens: TokenInfo[] }).tokens;
  }

  async makeToken(wanted: NewToken): Promise<MadeToken> {
    return (await this.#rest.ask(TOKENS, "POST", wanted)) as MadeToken;
  }

  async revokeToken(id: string): Promise<void> {
    await this.#rest.ask(`${TOKENS}/${encodeURIComponent(id)}`, "DELETE");
  }

  async audit(filter: AuditFilter, limit: number, before: number | null): Promise<AuditPage> {
    const query = new URLSearchParams({ ...texts(filter), limit: String(limit) });
    if (before !== null) query.set("before", String(before));
    return (await this.#rest.ask(`${AUDIT}?${query}`, "GET")) as AuditPage;
  }
}

/** Where all entries of a filter are, as CSV for spreadsheets. */
export function auditExport(filter: AuditFilter): string {
  return `${AUDIT}?${new URLSearchParams({ ...texts(filter), format: "csv", safe: "spreadsheet" })}`;
}

function texts(filter: AuditFilter): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, String(value)]));
}

function personPath(name: string): string {
  return `${PEOPLE}/${encodeURIComponent(name)}`;
}
