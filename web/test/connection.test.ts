import { beforeEach, describe, expect, it } from "vitest";
import { Connection, type ConnectionState } from "../src/live/connection";
import type { Message } from "../src/live/protocol";
import { HeldClock, HeldSocket, settled } from "./fakes";

const HELLO = { type: "hello", time: 1000, limits: {} };

let clock: HeldClock;
let sockets: HeldSocket[];
let states: ConnectionState[];
let received: Message[];
let session: () => Promise<boolean>;
let connection: Connection;

function socket(): HeldSocket {
  return sockets[sockets.length - 1] as HeldSocket;
}

function kinds(): string[] {
  return states.map((state) => state.kind);
}

async function live(): Promise<void> {
  connection.start();
  await settled();
  socket().says(HELLO);
}

beforeEach(() => {
  clock = new HeldClock();
  sockets = [];
  states = [];
  received = [];
  session = async () => true;
  connection = new Connection(
    {
      clock,
      random: () => 0.5,
      isLoggedIn: () => session(),
      open: () => {
        sockets.push(new HeldSocket());
        return socket();
      },
    },
    { stateChanged: (state) => states.push(state), received: (message) => received.push(message) },
  );
});

describe("Connection", () => {
  it("subscribes once the hub said hello, not before", async () => {
    connection.subscribe("overview");
    connection.start();
    await settled();
    expect(socket().sent).toEqual([]);

    socket().says(HELLO);

    expect(socket().sent).toEqual([{ type: "subscribe", channel: "overview" }]);
    expect(kinds()).toEqual(["connecting", "live"]);
  });

  it("comes back after a loss and asks to resume where it was", async () => {
    connection.subscribe("device/a");
    await live();
    socket().says(
      { type: "subscribed", channel: "device/a", epoch: "k3f9", offset: 5, recovered: false },
      { type: "readings", channel: "device/a", offset: 9, readings: [] },
    );

    socket().breaks();
    expect(states.at(-1)).toEqual({ kind: "waiting", retryAt: 250, cause: "lost" });
    await clock.pass(250);
    socket().says(HELLO);

    expect(sockets).toHaveLength(2);
    expect(socket().sent).toEqual([
      { type: "subscribe", channel: "device/a", resume: { epoch: "k3f9", offset: 9 } },
    ]);
  });

  it("waits longer after each failure and starts over after a hello", async () => {
    session = async () => {
      throw new Error("no network");
    };
    connection.start();
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      await settled();
      const state = states.at(-1);
      if (state?.kind !== "waiting") throw new Error(`not waiting but ${state?.kind}`);
      waits.push(state.retryAt - clock.now());
      await clock.pass(state.retryAt - clock.now());
    }
    expect(waits).toEqual([250, 500, 1000]);

    session = async () => true;
    await clock.pass(2_000);
    socket().says(HELLO);
    socket().breaks();

    expect(states.at(-1)).toMatchObject({ kind: "waiting", retryAt: clock.now() + 250 });
  });

  it("says that it is blocked where the hub answers and no socket opens, and goes on trying", async () => {
    connection.start();
    const causes: string[] = [];
    for (let i = 0; i < 3; i++) {
      await settled();
      // Refused, or, by a proxy that waits for more, never answered.
      if (i === 1) await clock.pass(10_000);
      else socket().breaks();
      const state = states.at(-1);
      if (state?.kind !== "waiting") throw new Error(`not waiting but ${state?.kind}`);
      causes.push(state.cause);
      await clock.pass(state.retryAt - clock.now());
    }
    expect(causes).toEqual(["lost", "blocked", "blocked"]);

    socket().says(HELLO);
    socket().breaks();
    expect(states.at(-1)).toMatchObject({ kind: "waiting", cause: "lost" });
  });

  it("does not say so of a hub that answers nothing at all", async () => {
    connection.start();
    await settled();
    socket().breaks();
    session = async () => {
      throw new Error("no network");
    };
    await clock.pass(250);
    session = async () => true;
    await clock.pass(500);
    socket().breaks();

    expect(states.at(-1)).toMatchObject({ kind: "waiting", cause: "lost" });
  });

  it("is logged out where there is no session, and tries again when asked", async () => {
    session = async () => false;
    connection.start();
    await settled();
    expect(kinds()).toEqual(["connecting", "logged_out"]);
    expect(sockets).toHaveLength(0);

    session = async () => true;
    connection.retryNow();
    await settled();
    socket().says(HELLO);

    expect(kinds()).toEqual(["connecting", "logged_out", "connecting", "live"]);
  });

  it("is logged out when the hub ends the session", async () => {
    await live();

    socket().breaks(4401);

    expect(kinds().at(-1)).toBe("logged_out");
  });

  it("comes back no sooner than a hub shutting down asks for", async () => {
    await live();

    socket().says({ type: "shutdown", retry_after_s: 5 });

    expect(states.at(-1)).toEqual({ kind: "waiting", retryAt: 5250, cause: "shutdown" });
    expect(socket().isClosed).toBe(true);
  });

  it("tries at once when the network comes back", async () => {
    await live();
    socket().breaks();

    connection.retryNow();
    await settled();

    expect(sockets).toHaveLength(2);
    await clock.pass(1000);
    expect(sockets).toHaveLength(2);
  });

  it("gives up a hub that accepts and says nothing", async () => {
    connection.start();
    await settled();

    await clock.pass(10_000);

    expect(sockets[0]?.isClosed).toBe(true);
    expect(kinds().slice(0, 2)).toEqual(["connecting", "waiting"]);
  });

  it("notices a connection that died without a word", async () => {
    await live();
    session = async () => {
      throw new Error("timed out");
    };

    await clock.pass(30_000);

    expect(sockets[0]?.isClosed).toBe(true);
    expect(kinds().at(-1)).toBe("waiting");
  });

  it("leaves a silent but living connection alone", async () => {
    await live();

    await clock.pass(300_000);

    expect(kinds()).toEqual(["connecting", "live"]);
    expect(sockets).toHaveLength(1);
  });

  it("opens anew after a frame it cannot read", async () => {
    await live();

    socket().says({ type: "readings", channel: "device/a" });

    expect(kinds().at(-1)).toBe("waiting");
  });

  it("hands on nothing of a channel it left", async () => {
    connection.subscribe("device/a");
    await live();
    connection.unsubscribe("device/a");

    socket().says({ type: "subscribed", channel: "device/a", epoch: "e", offset: 1, recovered: false });
    socket().says({ type: "readings", channel: "device/a", offset: 2, readings: [] });

    expect(socket().sent.at(-1)).toEqual({ type: "unsubscribe", channel: "device/a" });
    expect(received.map((message) => message.type)).toEqual(["hello"]);
  });

  it("subscribes anew, from the start, to a channel it left and comes back to", async () => {
    connection.subscribe("device/a");
    await live();
    socket().says({ type: "subscribed", channel: "device/a", epoch: "e", offset: 1, recovered: false });
    connection.unsubscribe("device/a");

    connection.subscribe("device/a");

    expect(socket().sent.at(-1)).toEqual({ type: "subscribe", channel: "device/a" });
  });
});
