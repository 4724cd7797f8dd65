import type { Command } from "./command";
import type { Note, NotesPage } from "./note";
import { type DeviceInfo, devicePath, type MetricInfo, type Rest } from "./rest";

/** One API key of a device, without its secret. Times are RFC 3339. */
export interface KeyInfo {
  readonly id: string;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly last_used_from: string | null;
  readonly revoked_at: string | null;
}

/** A key just made: the only time it is seen. */
export interface MadeKey {
  readonly id: string;
  readonly key: string;
}

/** Something the hub refused of a device. `raw_base64` is there where the bytes are no text. */
export interface Rejection {
  readonly received_at: number;
  readonly code: string;
  readonly message: string;
  readonly source: string;
  readonly raw: string | null;
  readonly raw_base64: string | null;
}

/** What a parameter may be: a small part of JSON Schema. */
export interface Schema {
  readonly type?: "number" | "integer" | "string" | "boolean" | "object" | "array";
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly unit?: string;
  readonly default?: unknown;
}

/** A command that the device knows. */
export interface KnownMethod {
  readonly name: string;
  readonly label: string;
  readonly dangerous: boolean;
  readonly params: Schema | null;
}

/** A command to send. `confirm`: what is declared dangerous was asked about. */
export interface NewCommand {
  readonly method: string;
  readonly params: unknown;
  readonly timeout_s: number;
  readonly confirm?: boolean;
}

/** `next` leads to the page after it; null on the last one. */
export interface CommandsPage {
  readonly commands: readonly Command[];
  readonly next: number | null;
}

export interface Attributes {
  readonly device: Readonly<Record<string, unknown>>;
  readonly shared: Readonly<Record<string, unknown>>;
  /** Of what is shared, the names of those that the device has not reported back. */
  readonly pending: readonly string[];
}

/** What to change of a metric; what is left out stays. Thresholds are always sent together. */
export type MetricChange = Pick<MetricInfo, "name"> & Partial<Omit<MetricInfo, "type">>;

/**
 * A metric after its name or type was changed, or as it would be, and what that means for the values stored.
 */
export interface MetricEdited {
  readonly metric: MetricInfo;
  readonly values: number;
  /** How many of them do not read as the new type. */
  readonly lost: number;
  /** The most frequent of those. */
  readonly examples: readonly { readonly value: string; readonly count: number }[];
}

/** What to change of a device; what is left out stays. */
export type DeviceChange = Partial<
  Pick<DeviceInfo, "name" | "labels" | "expected_interval_s" | "retention">
> & {
  readonly metrics?: readonly MetricChange[];
};

/** What REST offers of one device besides its readings. Throws as Rest does. */
export class DeviceRest {
  readonly #rest: Rest;
  readonly #path: string;

  constructor(rest: Rest, deviceId: string) {
    this.#rest = rest;
    this.#path = devicePath(deviceId);
  }

  /** Oldest first, revoked ones too. */
  async keys(): Promise<KeyInfo[]> {
    return ((await this.#rest.ask(`${this.#path}/keys`, "GET")) as { keys: KeyInfo[] }).keys;
  }

  async addKey(): Promise<MadeKey> {
    return (await this.#rest.ask(`${this.#path}/keys`, "POST")) as MadeKey;
  }

  async revokeKey(keyId: string): Promise<void> {
    await this.#rest.ask(`${this.#path}/keys/${encodeURIComponent(keyId)}`, "DELETE");
  }

  /** Newest first. */
  async rejections(): Promise<Rejection[]> {
    const answer = await this.#rest.ask(`${this.#path}/rejections`, "GET");
    return (answer as { rejections: Rejection[] }).rejections;
  }

  /** Newest first: a page of those older than the one with the id `before`. */
  async commands(limit: number, before: number | null = null): Promise<CommandsPage> {
    const older = before === null ? "" : `&before=${before}`;
    return (await this.#rest.ask(`${this.#path}/commands?limit=${limit}${older}`, "GET")) as CommandsPage;
  }

  async sendCommand(command: NewCommand): Promise<Command> {
    return (await this.#rest.ask(`${this.#path}/commands`, "POST", command)) as Command;
  }

  /** Takes back a command that is queued. */
  async cancelCommand(id: number): Promise<Command> {
    return (await this.#rest.ask(`${this.#path}/commands/${id}`, "DELETE")) as Command;
  }

  /** By name. */
  async methods(): Promise<KnownMethod[]> {
    return (await this.#rest.ask(`${this.#path}/methods`, "GET")) as KnownMethod[];
  }

  /** Newest first: a page of those older than the one with the id `before`. */
  async notes(before: number | null = null): Promise<NotesPage> {
    const older = before === null ? "" : `?before=${before}`;
    return (await this.#rest.ask(`${this.#path}/notes${older}`, "GET")) as NotesPage;
  }

  /** Writes about a moment or a range, or about none. */
  async addNote(text: string, at: number | null, until: number | null): Promise<Note> {
    return (await this.#rest.ask(`${this.#path}/notes`, "POST", { text, at, until })) as Note;
  }

  async editNote(id: number, text: string): Promise<Note> {
    return (await this.#rest.ask(`${this.#path}/notes/${id}`, "PATCH", { text })) as Note;
  }

  async deleteNote(id: number): Promise<void> {
    await this.#rest.ask(`${this.#path}/notes/${id}`, "DELETE");
  }

  async attributes(): Promise<Attributes> {
    return (await this.#rest.ask(`${this.#path}/attributes`, "GET")) as Attributes;
  }

  /** Sets what is named; null removes one. */
  async shareAttributes(shared: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#rest.ask(`${this.#path}/attributes`, "PUT", { shared });
  }

  /** Makes all of the change or, where something is wrong, nothing. */
  async change(change: DeviceChange): Promise<DeviceInfo> {
    return (await this.#rest.ask(this.#path, "PATCH", change)) as DeviceInfo;
  }

  /** Takes the next number that the device gives a reading as the first. */
  async resetSequence(): Promise<void> {
    await this.#rest.ask(`${this.#path}/sequence`, "DELETE");
  }

  /**
   * Renames a metric or changes its type, with its history; as a preview only says what would become of that.
   */
  async editMetric(
    name: string,
    change: Partial<Pick<MetricInfo, "name" | "type">>,
    isPreview: boolean,
  ): Promise<MetricEdited> {
    const path = `${this.#metric(name)}${isPreview ? "?preview=true" : ""}`;
    return (await this.#rest.ask(path, "PATCH", change)) as MetricEdited;
  }

  /** How many values are stored of a metric. */
  async valuesOf(name: string): Promise<number> {
    const answer = await this.#rest.ask(`${this.#metric(name)}?preview=true`, "DELETE");
    return (answer as { values: number }).values;
  }

  /** Removes a metric with its history; sent again it is a new one. */
  async removeMetric(name: string): Promise<void> {
    await this.#rest.ask(this.#metric(name), "DELETE");
  }

  #metric(name: string): string {
    return `${this.#path}/metrics/${encodeURIComponent(name)}`;
  }

  async remove(): Promise<void> {
    await this.#rest.ask(this.#path, "DELETE");
  }
}
