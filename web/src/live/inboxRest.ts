import type { InboxPage } from "./note";
import type { Rest } from "./rest";

const INBOX = "api/v1/inbox";

/** What waits for the person logged in, and writing to others. Throws as Rest does. */
export class InboxRest {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /** Newest first. */
  async newest(): Promise<InboxPage> {
    return (await this.#rest.ask(INBOX, "GET")) as InboxPage;
  }

  /** All up to this entry has been seen. */
  async see(upto: number): Promise<void> {
    await this.#rest.ask(`${INBOX}/seen`, "POST", { upto });
  }

  async send(to: string, text: string): Promise<void> {
    await this.#rest.ask("api/v1/messages", "POST", { to, text });
  }
}
