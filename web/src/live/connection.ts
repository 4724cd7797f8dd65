/**
 * The one live socket of the page: opens it, keeps it, and comes back after a loss where it left off.
 *
 *   open ──hello──▶ live ──loss──▶ waiting ──backoff──▶ open …
 *                                    └── no session ──▶ logged out (until `retryNow`)
 *
 * It remembers each channel's epoch and offset, and asks to resume there. The `subscribed` message says
 * whether that worked; what to do when it did not is the listener's decision.
 */
import { backoffMs } from "./backoff";
import type { Clock } from "./clock";
import { decode, type Message, ProtocolError } from "./protocol";

/**
 * Why there is no connection. "blocked": the hub answers over HTTP, but again and again no socket to it
 * opens. A browser does not say why; most often a proxy in between does not pass on the Upgrade or the Host
 * header.
 */
export type LossCause = "lost" | "shutdown" | "blocked";

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "waiting"; readonly retryAt: number; readonly cause: LossCause }
  | { readonly kind: "logged_out" };

/** As much of a WebSocket as is used here. */
export interface Socket {
  send(text: string): void;
  close(): void;
  onmessage: ((frame: MessageEvent) => void) | null;
  onclose: ((close: CloseEvent) => void) | null;
}

/** Receives what comes over the connection. */
export interface Listener {
  stateChanged(state: ConnectionState): void;
  received(message: Message): void;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly open: () => Socket;
  /** Whether there is a session; throws when the hub cannot be reached. */
  readonly isLoggedIn: () => Promise<boolean>;
}

interface Position {
  readonly epoch: string;
  offset: number;
}

const UNAUTHENTICATED = 4401;
const HELLO_TIMEOUT_MS = 10_000;
/** One socket that does not open may be a hub that just went away. */
const BLOCKED_AFTER = 2;
/** A browser shows no pings, so a silent socket is probed by asking the hub over HTTP. */
const SILENCE_MS = 30_000;

export class Connection {
  readonly #around: Surroundings;
  readonly #listener: Listener;
  readonly #channels = new Map<string, Position | null>();
  #state: ConnectionState = { kind: "connecting" };
  #socket: Socket | null = null;
  #attempt = 0;
  /** Sockets in a row that did not open though the hub had just answered. */
  #unopened = 0;
  #heardAt = 0;
  #cancelTimer: () => void = () => {};

  constructor(around: Surroundings, listener: Listener) {
    this.#around = around;
    this.#listener = listener;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Opens the socket. Call once. */
  start(): void {
    void this.#open();
  }

  /** Subscribes now if live, and again after each loss, until `unsubscribe`. */
  subscribe(channel: string): void {
    this.#channels.set(channel, null);
    if (this.#state.kind === "live") this.#sendSubscribe(channel);
  }

  /** Asks for a channel that may be another under the same name. If it is not, the hub refuses: no harm. */
  subscribeAgain(channel: string): void {
    if (this.#channels.has(channel) && this.#state.kind === "live") this.#sendSubscribe(channel);
  }

  unsubscribe(channel: string): void {
    if (this.#channels.delete(channel) && this.#state.kind === "live") {
      this.#send({ type: "unsubscribe", channel });
    }
  }

  /** Asks the hub for its time, if live; the answer is a `pong`. */
  ping(): void {
    if (this.#state.kind === "live") this.#send({ type: "ping" });
  }

  /** Tries at once when waiting or logged out: the network is back, the tab is shown, or somebody asked. */
  retryNow(): void {
    if (this.#state.kind === "waiting" || this.#state.kind === "logged_out") void this.#open();
  }

  /** Gives up a socket that may be dead without saying so, and opens another. */
  #lose(cause: LossCause = "lost", atLeastMs = 0): void {
    this.#dropSocket();
    const wait = atLeastMs + backoffMs(this.#attempt, this.#around.random);
    this.#attempt++;
    this.#enter({ kind: "waiting", retryAt: this.#around.clock.now() + wait, cause });
    this.#timer(wait, () => void this.#open());
  }

  /** Asks for the session first: a browser does not tell a refused upgrade from a hub that is away. */
  async #open(): Promise<void> {
    this.#cancelTimer();
    this.#enter({ kind: "connecting" });
    let loggedIn: boolean;
    try {
      loggedIn = await this.#around.isLoggedIn();
    } catch {
      this.#unopened = 0;
      if (this.#state.kind === "connecting" && !this.#socket) this.#lose();
      return;
    }
    if (this.#state.kind !== "connecting" || this.#socket) return;
    if (!loggedIn) {
      this.#enter({ kind: "logged_out" });
      return;
    }
    const socket = this.#around.open();
    socket.onmessage = (frame) => this.#takeFrame(frame.data);
    socket.onclose = (close) => this.#closed(close.code);
    this.#socket = socket;
    this.#timer(HELLO_TIMEOUT_MS, () => this.#loseUnopened());
  }

  #closed(code: number): void {
    if (code === UNAUTHENTICATED) {
      this.#dropSocket();
      this.#enter({ kind: "logged_out" });
    } else if (this.#state.kind === "live") {
      this.#lose();
    } else {
      this.#loseUnopened();
    }
  }

  #loseUnopened(): void {
    this.#unopened++;
    this.#lose(this.#unopened >= BLOCKED_AFTER ? "blocked" : "lost");
  }

  #takeFrame(frame: unknown): void {
    this.#heardAt = this.#around.clock.now();
    try {
      for (const message of decode(String(frame))) {
        if (!this.#socket) return;
        this.#take(message);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#lose();
    }
  }

  #take(message: Message): void {
    switch (message.type) {
      case "hello":
        this.#attempt = 0;
        this.#unopened = 0;
        this.#listener.received(message);
        this.#enter({ kind: "live" });
        for (const channel of this.#channels.keys()) this.#sendSubscribe(channel);
        this.#timer(SILENCE_MS, () => void this.#probe());
        return;
      case "shutdown":
        this.#lose("shutdown", message.retry_after_s * 1000);
        return;
      case "subscribed":
        if (!this.#channels.has(message.channel)) return;
        this.#channels.set(message.channel, { epoch: message.epoch, offset: message.offset });
        break;
      case "readings":
      case "overview":
      case "alert": {
        const position = this.#channels.get(message.channel);
        if (!position) return;
        position.offset = message.offset;
        break;
      }
    }
    this.#listener.received(message);
  }

  async #probe(): Promise<void> {
    const silentFor = this.#around.clock.now() - this.#heardAt;
    if (silentFor >= SILENCE_MS) {
      const probed = this.#socket;
      try {
        await this.#around.isLoggedIn();
      } catch {
        if (probed && probed === this.#socket) this.#lose();
        return;
      }
      if (probed !== this.#socket) return;
      this.#heardAt = this.#around.clock.now();
    }
    this.#timer(Math.max(1000, SILENCE_MS - silentFor), () => void this.#probe());
  }

  #sendSubscribe(channel: string): void {
    const position = this.#channels.get(channel);
    const resume = position ? { epoch: position.epoch, offset: position.offset } : undefined;
    this.#send({ type: "subscribe", channel, resume });
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #dropSocket(): void {
    this.#cancelTimer();
    if (!this.#socket) return;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #timer(ms: number, run: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#around.clock.after(ms, run);
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#listener.stateChanged(state);
  }
}
