import { makePasskey, showPasskey } from "./passkeys";
import type { Rest } from "./rest";

/** Another service that knows who somebody is; `url` is where the browser goes, relative to the page. */
export interface Provider {
  readonly name: string;
  readonly url: string;
}

/** How people may log in, besides by a one-time link. */
export interface Ways {
  readonly password: boolean;
  readonly passkey: boolean;
  readonly providers: readonly Provider[];
}

/** A browser that is logged in. Times are RFC 3339, null where that was not noted. */
export interface SessionInfo {
  readonly id: string;
  /** Whether it is this one. */
  readonly is_this: boolean;
  /** How they came in: "link", "password", "passkey", … */
  readonly origin: string;
  readonly address: string | null;
  /** As it calls itself (User-Agent). */
  readonly browser: string | null;
  readonly created_at: string | null;
  readonly used_at: string | null;
  readonly expires_at: string;
}

export interface PasskeyInfo {
  readonly id: string;
  readonly name: string;
  readonly since: string;
  readonly last_used: string | null;
}

const SESSION = "api/v1/session";
const PASSKEYS = `${SESSION}/passkeys`;
const SESSIONS = "api/v1/sessions";

/** Logging in, and what one may change of one's own account. Throws as Rest does. */
export class SessionRest {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  async ways(): Promise<Ways> {
    return (await this.#rest.ask(`${SESSION}/ways`, "GET")) as Ways;
  }

  async logIn(name: string, password: string): Promise<void> {
    await this.#rest.ask(SESSION, "POST", { name, password });
  }

  /** Throws DOMException, too, where the browser shows none. */
  async logInByPasskey(): Promise<void> {
    await this.#rest.ask(`${SESSION}/passkey`, "POST", { credential: await this.#shownPasskey() });
  }

  /** Shows the hub again that it is the person who logged in. */
  async confirm(password: string): Promise<void> {
    await this.#rest.ask(`${SESSION}/confirm`, "POST", { password });
  }

  /** Throws DOMException, too. */
  async confirmByPasskey(): Promise<void> {
    await this.#rest.ask(`${SESSION}/confirm`, "POST", { credential: await this.#shownPasskey() });
  }

  async #shownPasskey(): Promise<object> {
    const options = await this.#rest.ask(`${SESSION}/passkey/options`, "POST");
    return showPasskey(options as Record<string, unknown>);
  }

  /** `old` is left out where there is no password yet. Other sessions of one's own end. */
  async setPassword(old: string | null, wanted: string): Promise<void> {
    await this.#rest.ask(`${SESSION}/password`, "PUT", { ...(old !== null && { old }), new: wanted });
  }

  /** Oldest first. */
  async sessions(): Promise<SessionInfo[]> {
    return ((await this.#rest.ask(SESSIONS, "GET")) as { sessions: SessionInfo[] }).sessions;
  }

  async endSession(id: string): Promise<void> {
    await this.#rest.ask(`${SESSIONS}/${encodeURIComponent(id)}`, "DELETE");
  }

  async passkeys(): Promise<PasskeyInfo[]> {
    return ((await this.#rest.ask(PASSKEYS, "GET")) as { passkeys: PasskeyInfo[] }).passkeys;
  }

  /** Has the browser make a passkey, and the hub keep it. Throws DOMException, too. */
  async addPasskey(name: string): Promise<void> {
    const options = await this.#rest.ask(`${PASSKEYS}/options`, "POST");
    const credential = await makePasskey(options as Record<string, unknown>);
    await this.#rest.ask(PASSKEYS, "POST", { name, credential });
  }

  async removePasskey(id: string): Promise<void> {
    await this.#rest.ask(`${PASSKEYS}/${encodeURIComponent(id)}`, "DELETE");
  }
}
