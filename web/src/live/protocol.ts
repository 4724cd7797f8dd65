/**
 * The live socket's messages, subprotocol `hub.v1`: what the hub sends, as types, and how frames are decoded.
 * Times are milliseconds UTC, with a fraction where the device gave one.
 */
import type { Command } from "./command";
import type { InboxEntry, NoteChange } from "./note";

export type Value = number | string | boolean;
export type Sample = readonly [time: number, value: Value];
export type Snapshot = Readonly<Record<string, Sample>>;
export type Reading = readonly [time: number, values: Readonly<Record<string, Value>>];
export type Presence = "online" | "stale" | "offline" | "never_seen";

/** One device's part of an overview: only what changed, or all of it in the answer to a subscribe. */
export interface OverviewEntry {
  readonly snapshot?: Snapshot;
  readonly presence?: Presence;
  readonly since?: number | null;
  /**
   * A new device under an id that was used before, or one with other metrics: nothing known holds any more.
   */
  readonly renewed?: boolean;
}

/** `null` stands for a device that was removed. */
export type OverviewDevices = Readonly<Record<string, OverviewEntry | null>>;

export interface Hello {
  readonly type: "hello";
  readonly time: number;
}
/** The answer to a ping. */
export interface Pong {
  readonly type: "pong";
  readonly time: number;
}
export interface Subscribed {
  readonly type: "subscribed";
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly recovered: boolean;
  /** Another device than the one of that id before, or other metrics: nothing known holds any more. */
  readonly renewed?: boolean;
  readonly snapshot?: Snapshot;
  readonly readings?: readonly Reading[];
  readonly presence?: Presence;
  readonly since?: number | null;
  readonly devices?: OverviewDevices;
  readonly alerts?: readonly unknown[];
  /** Of a device: those that changed since the viewer left, or that are open or ended lately. */
  readonly commands?: readonly Command[];
  /** Of a device, to who comes back: what changed meanwhile, or that this is not known whole. */
  readonly notes?: { readonly changes?: readonly NoteChange[]; readonly skipped?: boolean };
}
export interface Readings {
  readonly type: "readings";
  readonly channel: string;
  readonly offset: number;
  readonly readings: readonly Reading[];
  /** How many readings the hub left out because this viewer was slow. */
  readonly skipped?: number;
}
export interface Overview {
  readonly type: "overview";
  readonly channel: string;
  readonly offset: number;
  readonly devices: OverviewDevices;
}
/** An alert as it is now, at each change of it. */
export interface AlertNews {
  readonly type: "alert";
  readonly channel: string;
  readonly offset: number;
  readonly alert: unknown;
}
export interface PresenceChange {
  readonly type: "presence";
  readonly channel: string;
  readonly status: Presence;
  readonly since: number | null;
}
/** A command came a step further; without one, this viewer was slow and has to ask for the list. */
export interface CommandNews {
  readonly type: "command";
  readonly channel: string;
  readonly command?: Command;
}
/** Attributes of the device changed. */
export interface AttributeNews {
  readonly type: "attributes";
  readonly channel: string;
}
/** A note was written, edited or deleted; without one, this viewer was slow and has to ask for the list. */
export interface NoteNews {
  readonly type: "note";
  readonly channel: string;
  readonly event?: NoteChange["event"];
  readonly note?: NoteChange["note"];
}
/** What waits for the person logged in changed. */
export interface InboxNews {
  readonly type: "inbox";
  readonly unread: number;
  readonly newest: InboxEntry | null;
}
export interface ErrorMessage {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly channel?: string;
}
export interface Shutdown {
  readonly type: "shutdown";
  readonly retry_after_s: number;
}
/**
 * How storing fares: the hub cannot store at present (`failing`), or stores and does not get that into the
 * history (`behind`), or all is well again. Live readings go on either way.
 */
export interface StorageState {
  readonly type: "storage";
  readonly failing: boolean;
  readonly behind?: boolean;
  readonly message: string;
}
export type Message =
  | Hello
  | Pong
  | Subscribed
  | Readings
  | Overview
  | PresenceChange
  | AlertNews
  | CommandNews
  | AttributeNews
  | NoteNews
  | InboxNews
  | ErrorMessage
  | StorageState
  | Shutdown;

/** A frame that is not what the protocol allows. The connection is closed and opened anew. */
export class ProtocolError extends Error {}

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const number: Check = (value) => typeof value === "number";
const flag: Check = (value) => typeof value === "boolean";
const list: Check = (value) => Array.isArray(value);
const table: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The fields each message must have. What is inside them is trusted: the hub encodes typed values. */
const REQUIRED: Readonly<Record<Message["type"], Readonly<Record<string, Check>>>> = {
  hello: { time: number },
  pong: { time: number },
  subscribed: { channel: text, epoch: text, offset: number, recovered: flag },
  readings: { channel: text, offset: number, readings: list },
  overview: { channel: text, offset: number, devices: table },
  presence: { channel: text, status: text },
  alert: { channel: text, offset: number, alert: table },
  command: { channel: text },
  attributes: { channel: text },
  note: { channel: text },
  inbox: { unread: number },
  error: { code: text, message: text },
  storage: { failing: flag, message: text },
  shutdown: { retry_after_s: number },
};

/**
 * The messages of one frame, which holds one message or an array of them, in order.
 * Types that this page does not know are skipped: a newer hub may send more.
 * @throws ProtocolError where a frame is no JSON, or a known message lacks a field
 */
export function decode(frame: string): Message[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(frame);
  } catch {
    throw new ProtocolError("a frame that is not JSON");
  }
  const messages: Message[] = [];
  for (const candidate of Array.isArray(parsed) ? parsed : [parsed]) {
    if (isKnown(candidate)) messages.push(candidate);
  }
  return messages;
}

function isKnown(candidate: unknown): candidate is Message {
  if (!table(candidate)) throw new ProtocolError("a message that is not an object");
  const fields = candidate as Fields;
  const type = fields.type;
  if (typeof type !== "string") throw new ProtocolError("a message without a type");
  if (!Object.hasOwn(REQUIRED, type)) return false;
  const required = REQUIRED[type as Message["type"]];
  for (const [name, holds] of Object.entries(required)) {
    if (!holds(fields[name])) throw new ProtocolError(`"${type}" without a proper "${name}"`);
  }
  return true;
}

export const OVERVIEW = "overview";
/** The hub itself, as the device whose readings are its own figures. It is in no list. */
export const OWN_ID = "_hub";

export function deviceChannel(deviceId: string): string {
  return `device/${deviceId}`;
}
