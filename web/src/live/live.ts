/** The live layer as one: the connection, all devices, the open one, and what the hub says about itself. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { ALERTS, Alerts } from "./alerts";
import { type Clock, HubClock } from "./clock";
import { Connection, type ConnectionState } from "./connection";
import { DelayMeter } from "./delay";
import { Fleet } from "./fleet";
import { PresenceLog } from "./presenceLog";
import {
  deviceChannel,
  type Message,
  OVERVIEW,
  type OverviewDevices,
  OWN_ID,
  type Presence,
  type PresenceChange,
  type Readings,
  type StorageState,
} from "./protocol";
import { Problem, type Rest, type Session } from "./rest";
import type { LiveSurroundings } from "./surroundings";
import { Unread } from "./unread";
import { DeviceWatch } from "./watch";
import { Watches } from "./watches";

const OWN_CHANNEL = deviceChannel(OWN_ID);
/** Devices asked for one by one; above, the whole list is cheaper. */
const SINGLY_MAX = 10;
const DESCRIBE_SOON_MS = 300;
/** A device whose description stays incomplete is not asked for more often than this. */
const DESCRIBE_AGAIN_MS = 5_000;
/** How often the hub is asked for its time, which may be set while the page is open. */
const PING_MS = 10_000;

/** The hub's clock was set, and showed `at` then. Milliseconds. */
export interface ClockStep {
  readonly at: number;
  readonly byMs: number;
}

export class Live {
  readonly fleet = new Fleet();
  readonly alerts = new Alerts();
  readonly unread = new Unread();
  readonly presences = new PresenceLog();
  readonly delay = new DelayMeter();
  /**
   * Readings a second of all devices together; null until the hub says it, and always where one may not see
   * it.
   */
  readingsPerS: number | null = null;
  readonly hubClock: HubClock;
  readonly rest: Rest;
  /** The open device, or null. */
  readonly watched: ReadonlySignal<DeviceWatch | null>;
  /** Those compared with it. */
  readonly compared: ReadonlySignal<readonly DeviceWatch[]>;
  readonly #watches: Watches;
  readonly #clock: Clock;
  readonly #startOver: () => void;
  readonly #leaveFor: (address: string) => void;
  readonly #connection: Connection;
  readonly #connectionState = signal<ConnectionState>({ kind: "connecting" });
  readonly #trouble = signal<StorageState | null>(null);
  readonly #lostAt = signal<number | null>(null);
  readonly #clockStep = signal<ClockStep | null>(null);
  readonly #isLoggedOut = signal(false);
  readonly #session = signal<Session | null>(null);
  readonly #undescribed = new Set<string>();
  readonly #describedAt = new Map<string, number>();
  #isDescribing = false;
  /** Somebody logs out: that the session ends is no news. */
  #isLeaving = false;
  #pingedAt = 0;
  #cancelPing: () => void = () => {};
  /** Whether the list asked for during the first attempt to connect came. Null once that attempt is over. */
  #early: Promise<boolean> | null = null;

  constructor(around: LiveSurroundings) {
    this.#clock = around.clock;
    this.#startOver = around.startOver;
    this.#leaveFor = around.leaveFor;
    this.rest = around.rest;
    this.hubClock = new HubClock(around.clock, around.wallNow);
    this.#connection = new Connection(
      {
        clock: around.clock,
        random: around.random,
        open: around.openSocket,
        isLoggedIn: () => this.#askSession(),
      },
      { stateChanged: (state) => this.#stateChanged(state), received: (message) => this.#take(message) },
    );
    this.#watches = new Watches(this.#connection, OWN_CHANNEL, (deviceId) => this.#watch(deviceId));
    this.watched = computed(() => this.#watches.shown.value[0] ?? null);
    this.compared = computed(() => this.#watches.shown.value.slice(1));
  }

  get connectionState(): ReadonlySignal<ConnectionState> {
    return this.#connectionState;
  }

  /** What the hub says is wrong with its storing; null while nothing is. */
  get trouble(): ReadonlySignal<StorageState | null> {
    return this.#trouble;
  }

  /** Hub time when the values shown stopped being live; null while they are. */
  get lostAt(): ReadonlySignal<number | null> {
    return this.#lostAt;
  }

  /** When the hub's clock was last set since the page opened; null where it was not, or that was noted. */
  get clockStep(): ReadonlySignal<ClockStep | null> {
    return this.#clockStep;
  }

  /** Somebody has read that the clock was set. */
  clockStepNoted(): void {
    this.#clockStep.value = null;
  }

  /** There is no session, as far as was last known. It stays so during a new attempt. */
  get isLoggedOut(): ReadonlySignal<boolean> {
    return this.#isLoggedOut;
  }

  /** Who is logged in, or was; null until the hub has said so. */
  get session(): ReadonlySignal<Session | null> {
    return this.#session;
  }

  start(): void {
    this.#connection.subscribe(OVERVIEW);
    this.#connection.subscribe(OWN_CHANNEL);
    this.#connection.subscribe(ALERTS);
    this.#early = this.#loadEarly();
    this.#connection.start();
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  /** Ends the session and starts the page over. Where the hub does not answer, nothing happens. */
  async logOut(): Promise<void> {
    this.#isLeaving = true;
    try {
      const elsewhere = await this.rest.logOut();
      if (elsewhere !== null) return this.#leaveFor(elsewhere);
    } catch (error) {
      this.#isLeaving = error instanceof Problem;
      if (!this.#isLeaving) return;
    }
    this.#startOver();
  }

  /** Loads the device list, again after a failure. */
  async loadDevices(): Promise<void> {
    this.fleet.loading();
    try {
      this.fleet.describeAll(await this.rest.devices());
      if (this.#undescribed.size > 0) this.#describeSoon();
    } catch (error) {
      this.fleet.failed(error instanceof Error ? error.message : String(error));
    }
  }

  /**
   * Without waiting for the connection. A failure is not shown: once connected, the list is asked for again.
   */
  async #loadEarly(): Promise<boolean> {
    try {
      this.fleet.describeAll(await this.rest.devices());
      this.#noteLoss();
      return true;
    } catch {
      return false;
    }
  }

  /** Notes since when the values shown are no longer live: the connection is gone, or never came. */
  #noteLoss(): void {
    const { kind } = this.#connectionState.peek();
    if (kind === "live" || kind === "connecting" || this.#lostAt.peek() !== null) return;
    if (this.fleet.phase.peek().kind === "ready") this.#lostAt.value = this.hubClock.now();
  }

  /**
   * Once connected: keeps the early list if it came, else loads it. The overview tells what changed since.
   */
  async #connected(): Promise<void> {
    const early = this.#early;
    this.#early = null;
    if (!(await early)) await this.loadDevices();
    else if (this.#undescribed.size > 0) this.#describeSoon();
  }

  /** Asks anew what operators set of the open device: someone else may have changed it. */
  async refreshOpened(): Promise<void> {
    const deviceId = this.watched.peek()?.deviceId;
    if (deviceId === undefined || this.#connectionState.peek().kind !== "live") return;
    await this.#describe(deviceId);
  }

  /** Asks anew who is logged in, and what they may: something of that was changed here. */
  async refreshSession(): Promise<void> {
    await this.#askSession();
  }

  /** Opens a device, and others to compare it with, closing those before; null closes them only. */
  open(deviceId: string | null, compared: readonly string[] = []): void {
    this.#watches.show(deviceId === null ? [] : [deviceId, ...compared]);
  }

  #watch(deviceId: string): DeviceWatch {
    return new DeviceWatch(
      deviceId,
      (metric, from, to, points) => this.rest.history(deviceId, metric, from, to, points),
      this.#clock,
      () => this.hubClock.now(),
    );
  }

  #stateChanged(state: ConnectionState): void {
    this.#connectionState.value = state;
    if (state.kind === "logged_out" && !this.#isLeaving) this.#isLoggedOut.value = true;
    if (state.kind === "live") {
      this.#isLoggedOut.value = false;
      this.#lostAt.value = null;
      this.#pingLater();
      void this.#connected();
    } else {
      this.#cancelPing();
      if (state.kind !== "connecting") this.#early = null;
      this.#noteLoss();
    }
  }

  /**
   * Asks who is logged in, and whether anybody is. Who was stays known without a session: if somebody else
   * comes, nothing of what the page holds is theirs. Throws where there is no answer.
   */
  async #askSession(): Promise<boolean> {
    const found = await this.rest.session();
    if (!found) return false;
    const before = this.#session.peek();
    if (before && before.name !== found.name) this.#startOver();
    this.#session.value = found;
    return true;
  }

  #take(message: Message): void {
    switch (message.type) {
      case "hello":
        this.#takeTime(message.time, 0);
        // A hub with such trouble says so right after this, and what is unread too.
        this.#trouble.value = null;
        this.unread.told(0);
        return;
      case "command":
      case "attributes":
      case "note":
        this.#watches.tell(message);
        return;
      case "inbox":
        this.unread.told(message.unread);
        return;
      case "pong":
        this.#takeTime(message.time, this.#clock.now() - this.#pingedAt);
        return;
      case "subscribed":
        if (message.channel === OVERVIEW) this.#takeOverview(message.devices ?? {}, true);
        else if (message.channel === ALERTS) this.alerts.begin(message.snapshot, this.hubClock.now());
        else {
          if (message.renewed) this.#watches.renew(message.channel);
          this.#watches.on(message.channel)?.subscribed(message);
          if (message.presence) this.#takePresence(message.channel, message.presence, message.since ?? null);
        }
        return;
      case "overview":
        this.#takeOverview(message.devices, false);
        return;
      case "readings":
        this.#takeReadings(message);
        return;
      case "alert":
        this.alerts.take([message.alert], this.hubClock.now());
        return;
      case "presence":
        this.#takePresence(message.channel, message.status, message.since);
        this.#notePresence(message);
        return;
      case "storage":
        this.#trouble.value = message.failing || message.behind ? message : null;
        return;
      case "error": // of a device that was removed, which the overview tells too
        return;
    }
  }

  /** Asks the hub for its time. A tab that was hidden may not have done so for long. */
  askTime(): void {
    this.#pingedAt = this.#clock.now();
    this.#connection.ping();
  }

  #pingLater(): void {
    this.#cancelPing = this.#clock.after(PING_MS, () => {
      this.askTime();
      this.#pingLater();
    });
  }

  #takeTime(time: number, tookMs: number): void {
    const byMs = this.hubClock.set(time, tookMs);
    if (byMs === null) return;
    this.fleet.clockSet(time);
    this.#watches.restart();
    this.#clockStep.value = { at: time, byMs };
  }

  #takeOverview(devices: OverviewDevices, isWhole: boolean): void {
    const now = this.hubClock.now();
    const unknown = this.fleet.overview(devices, now, isWhole);
    if (!isWhole && !this.watched.peek()) {
      for (const entry of Object.values(devices)) {
        const newest = Object.values(entry?.snapshot ?? {}).reduce((most, [time]) => Math.max(most, time), 0);
        if (newest) this.delay.add(newest, now);
      }
    }
    for (const id of unknown) {
      this.#undescribed.add(id);
      if (devices[id]?.renewed) this.#renewed(id);
    }
    if (this.#undescribed.size > 0) this.#describeSoon();
  }

  /**
   * What is known of a device no longer holds, and it is described soon, however short ago it last was.
   * Its channel tells of other metrics by itself, but not of another device with the same id.
   */
  #renewed(id: string): void {
    this.#describedAt.delete(id);
    this.#connection.subscribeAgain(deviceChannel(id));
  }

  #takeReadings(message: Readings): void {
    const newest = message.readings[message.readings.length - 1];
    if (message.channel === OWN_CHANNEL) {
      const rate = newest?.[1].readings_per_s;
      if (typeof rate === "number") this.readingsPerS = rate;
    } else if (newest) this.delay.add(newest[0], this.hubClock.now());
    this.#watches.on(message.channel)?.readings(message);
  }

  #notePresence({ channel, status, since }: PresenceChange): void {
    const deviceId = this.#watches.on(channel)?.deviceId;
    const time = since ?? this.hubClock.now();
    if (deviceId !== undefined) this.presences.take({ deviceId, presence: status, time });
  }

  #takePresence(channel: string, presence: Presence, since: number | null): void {
    const watch = this.#watches.on(channel);
    if (watch) this.fleet.presence(watch.deviceId, presence, since);
  }

  /** Many unknown devices come in one overview; they are asked for together a moment later. */
  #describeSoon(): void {
    if (this.#isDescribing || this.fleet.phase.peek().kind !== "ready") return;
    this.#isDescribing = true;
    this.#clock.after(DESCRIBE_SOON_MS, () => void this.#describeUnknown());
  }

  async #describeUnknown(): Promise<void> {
    const now = this.#clock.now();
    const isDue = (id: string) =>
      now - (this.#describedAt.get(id) ?? Number.NEGATIVE_INFINITY) >= DESCRIBE_AGAIN_MS;
    const ids = [...this.#undescribed].filter((id) => this.fleet.lacksDescription(id) && isDue(id));
    this.#undescribed.clear();
    for (const id of ids) this.#describedAt.set(id, now);
    try {
      if (ids.length > SINGLY_MAX) await this.loadDevices();
      else for (const id of ids) await this.#describe(id);
    } finally {
      this.#isDescribing = false;
    }
  }

  async #describe(id: string): Promise<void> {
    try {
      this.fleet.describe(await this.rest.device(id));
    } catch (error) {
      // Gone already, or no answer: the next overview that names it asks again.
      if (!(error instanceof Problem) || error.status !== 404) return;
      this.#describedAt.delete(id);
    }
  }
}
