import { type ReadonlySignal, signal } from "@preact/signals";
import type { Connection } from "./connection";
import { type AttributeNews, type CommandNews, deviceChannel, type NoteNews } from "./protocol";
import type { DeviceWatch } from "./watch";

/** The watched devices: the open one, then those compared with it, each on its own channel. */
export class Watches {
  readonly #connection: Connection;
  readonly #kept: string;
  readonly #make: (deviceId: string) => DeviceWatch;
  readonly #shown = signal<readonly DeviceWatch[]>([]);

  /** @param kept the channel that is subscribed to whether watched or not */
  constructor(connection: Connection, kept: string, make: (deviceId: string) => DeviceWatch) {
    this.#connection = connection;
    this.#kept = kept;
    this.#make = make;
  }

  get shown(): ReadonlySignal<readonly DeviceWatch[]> {
    return this.#shown;
  }

  /** Watches these and no others. Who was watched already keeps its readings, in another place too. */
  show(deviceIds: readonly string[]): void {
    const before = this.#shown.peek();
    if (deviceIds.join("\n") === before.map(({ deviceId }) => deviceId).join("\n")) return;
    for (const watch of before) {
      if (deviceIds.includes(watch.deviceId)) continue;
      watch.close();
      const channel = deviceChannel(watch.deviceId);
      if (channel !== this.#kept) this.#connection.unsubscribe(channel);
    }
    this.#shown.value = deviceIds.map((id) => {
      const known = before.find((watch) => watch.deviceId === id);
      if (known) return known;
      const channel = deviceChannel(id);
      // Once more where it is kept, for the watch begins with the answer to that.
      if (channel === this.#kept) this.#connection.unsubscribe(channel);
      this.#connection.subscribe(channel);
      return this.#make(id);
    });
  }

  /** The device on this channel is another now: its watch begins with the answer that is to come next. */
  renew(channel: string): void {
    const old = this.on(channel);
    if (!old) return;
    old.close();
    const renewed = this.#make(old.deviceId);
    this.#shown.value = this.#shown.peek().map((watch) => (watch === old ? renewed : watch));
  }

  /** Watches the same devices from the start, without what was known of them. */
  restart(): void {
    const deviceIds = this.#shown.peek().map(({ deviceId }) => deviceId);
    this.show([]);
    this.show(deviceIds);
  }

  tell(news: CommandNews | AttributeNews | NoteNews): void {
    this.on(news.channel)?.tell(news);
  }

  /** Whose channel this is; null where it is none of those watched. */
  on(channel: string): DeviceWatch | null {
    return this.#shown.peek().find((watch) => deviceChannel(watch.deviceId) === channel) ?? null;
  }
}
