import { beforeEach, describe, expect, it } from "vitest";
import { Live } from "../src/live/live";
import { type DeviceInfo, Rest } from "../src/live/rest";
import { infoOf } from "./devices";
import { HeldClock, HeldSocket, settled } from "./fakes";

let clock: HeldClock;
let socket: HeldSocket;
let known: Map<string, DeviceInfo>;
let asked: string[];
let isListFailing: boolean;
let live: Live;
let wallNow: () => number;
let who: string | null;
let startedOver: number;
let left: string[];

function answer(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

async function hub(path: string, method = "GET"): Promise<Response> {
  asked.push(path);
  if (method === "DELETE") return who === "carl" ? answer({ url: "https://id.example/end" }) : answer({});
  const url = new URL(path, "http://hub");
  if (url.pathname === "/api/v1/session") return who ? answer({ name: who }) : answer({}, 401);
  if (url.pathname.endsWith("/history")) return answer({ tier: "raw", time: [], min: [], max: [], avg: [] });
  if (url.pathname === "/api/v1/devices") {
    return isListFailing
      ? answer({ detail: "busy" }, 503)
      : answer({ devices: [...known.values()], next: null });
  }
  const info = known.get(decodeURIComponent(url.pathname.split("/")[4] ?? ""));
  return info ? answer(info) : answer({ detail: "no such device" }, 404);
}

/** Lets answers come in: a Response is read over a few turns of the loop, not only promises. */
async function answered(): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

async function start(): Promise<void> {
  live.start();
  await answered();
  socket.says({ type: "hello", time: 5_000_000, limits: {} });
  await answered();
}

function says(devices: object, type = "overview"): void {
  const head = { type, channel: "overview", offset: 1 };
  socket.says(
    type === "subscribed" ? { ...head, epoch: "e", recovered: false, devices } : { ...head, devices },
  );
}

function listed(): string[] {
  return [...live.fleet.listed()].map(({ id }) => id);
}

beforeEach(() => {
  clock = new HeldClock();
  wallNow = () => clock.now();
  known = new Map([["a", infoOf("a")]]);
  asked = [];
  isListFailing = false;
  who = "ada";
  startedOver = 0;
  left = [];
  live = new Live({
    clock,
    wallNow: () => wallNow(),
    random: () => 0.5,
    rest: new Rest((path, init) => hub(String(path), init?.method)),
    startOver: () => startedOver++,
    leaveFor: (address) => left.push(address),
    openSocket: () => {
      socket = new HeldSocket();
      return socket;
    },
  });
});

describe("Live", () => {
  it("goes by the hub's clock", async () => {
    await start();
    await clock.pass(250);

    expect(live.hubClock.now()).toBe(5_000_250);
  });

  it("goes on where the hub's clock is set back, and says so until that is noted", async () => {
    await start();
    live.open("a");
    const before = live.watched.value;
    says({ a: { snapshot: { n: [5_000_000, 1] }, presence: "online" } }, "subscribed");
    await clock.pass(10_000);
    expect(socket.sent.at(-1)).toEqual({ type: "ping" });
    socket.says({ type: "pong", time: 5_010_000 });
    expect(live.clockStep.value).toBe(null);

    await clock.pass(10_000);
    socket.says({ type: "pong", time: 1_000_000 });

    expect(live.clockStep.value).toEqual({ at: 1_000_000, byMs: -4_020_000 });
    expect(live.hubClock.now()).toBe(1_000_000);
    expect(live.watched.value).not.toBe(before);
    says({ a: { snapshot: { n: [1_000_500, 2] } } });
    expect(live.fleet.get("a")?.latest.get("n")).toEqual([1_000_500, 2]);
    live.clockStepNoted();
    expect(live.clockStep.value).toBe(null);
  });

  it("takes a slow answer for no step", async () => {
    await start();
    await clock.pass(10_000);
    await clock.pass(5_000);
    socket.says({ type: "pong", time: 5_010_000 });

    expect(live.clockStep.value).toBe(null);
    expect(live.hubClock.now()).toBe(5_015_000);
  });

  it("takes a machine that slept for no step, though its steady clock stood still", async () => {
    await start();
    const asleepMs = 3_600_000;
    wallNow = () => clock.now() + asleepMs;
    socket.breaks();
    await clock.pass(1_000);
    await answered();
    socket.says({ type: "hello", time: 5_001_000 + asleepMs, limits: {} });

    expect(live.clockStep.value).toBe(null);
    expect(live.hubClock.now()).toBe(5_001_000 + asleepMs);
  });

  it("sees a step back of the machine that both the hub and the browser run on", async () => {
    await start();
    wallNow = () => clock.now() - 86_400_000;
    await clock.pass(10_000);
    socket.says({ type: "pong", time: 5_010_000 - 86_400_000 });

    expect(live.clockStep.value?.byMs).toBe(-86_400_000);
  });

  it("sees that a hub which was away comes back with another clock", async () => {
    await start();
    socket.breaks();
    await clock.pass(1_000);
    await answered();
    socket.says({ type: "hello", time: 90_000_000, limits: {} });

    expect(live.clockStep.value?.at).toBe(90_000_000);
  });

  it("asks for the description of a device that appears", async () => {
    await start();
    says({ a: { presence: "online", since: 1, snapshot: {} } }, "subscribed");
    known.set("b", infoOf("b", { name: "Boiler" }));

    says({ b: { presence: "online", since: 2, snapshot: { temperature: [1, 2] } } });
    await clock.pass(300);
    await answered();

    expect(listed()).toEqual(["a", "b"]);
    expect(asked.filter((path) => path.includes("/devices/"))).toEqual(["api/v1/devices/b"]);
  });

  it("loads the whole list once when many appear", async () => {
    await start();
    says({}, "subscribed");
    const many = Array.from({ length: 30 }, (_, i) => `many-${i}`);
    for (const id of many) known.set(id, infoOf(id));
    asked.length = 0;

    says(Object.fromEntries(many.map((id) => [id, { presence: "online", since: 1 }])));
    await clock.pass(300);
    await answered();

    expect(listed()).toHaveLength(31);
    expect(asked).toEqual(["api/v1/devices?limit=1000"]);
  });

  it("does not ask for the list twice when live values come before it", async () => {
    live.start();
    await answered();
    socket.says({ type: "hello", time: 1, limits: {} });
    says({ a: { presence: "online", since: 1, snapshot: { temperature: [1, 2] } } }, "subscribed");
    await answered();
    await clock.pass(1_000);
    await answered();

    expect(asked.filter((path) => path.includes("/devices"))).toEqual(["api/v1/devices?limit=1000"]);
    expect(live.fleet.get("a")?.latest.get("temperature")).toEqual([1, 2]);
  });

  it("has the list before it is connected, and asks again where that failed", async () => {
    live.start();
    await answered();
    expect(listed()).toEqual(["a"]);

    isListFailing = true;
    live.start();
    await answered();
    expect(live.fleet.phase.value).toEqual({ kind: "ready" });
    known.set("b", infoOf("b"));
    isListFailing = false;
    socket.says({ type: "hello", time: 1, limits: {} });
    await answered();

    expect(listed()).toEqual(["a", "b"]);
  });

  it("says that a list which came without a connection is not live", async () => {
    live.start();
    await answered();
    expect(live.lostAt.value).toBeNull();
    await clock.pass(100);

    socket.breaks();

    expect(listed()).toEqual(["a"]);
    expect(live.lostAt.value).toBe(100);
  });

  it("asks for the list anew after each loss", async () => {
    await start();
    socket.breaks();
    known.delete("a");
    known.set("b", infoOf("b"));
    await clock.pass(250);
    await answered();
    socket.says({ type: "hello", time: 1, limits: {} });
    await answered();

    expect(listed()).toEqual(["b"]);
  });

  it("says why the list did not load, and loads it when asked again", async () => {
    isListFailing = true;
    await start();
    expect(live.fleet.phase.value).toEqual({ kind: "failed", reason: "busy" });

    isListFailing = false;
    await live.loadDevices();

    expect(live.fleet.phase.value).toEqual({ kind: "ready" });
  });

  it("watches the open device and leaves the one before", async () => {
    await start();
    live.open("a");
    socket.says({
      type: "subscribed",
      channel: "device/a",
      epoch: "e",
      offset: 1,
      recovered: false,
      presence: "online",
      since: 9,
      snapshot: { temperature: [5_000_000, 20] },
    });
    expect(live.watched.value?.latest.get("temperature")).toEqual([5_000_000, 20]);
    expect(live.fleet.get("a")?.presence).toBe("online");

    socket.says({ type: "presence", channel: "device/a", status: "stale", since: 10 });
    expect(live.fleet.get("a")?.presence).toBe("stale");
    expect(live.presences.list.value).toEqual([{ deviceId: "a", presence: "stale", time: 10 }]);

    live.open("b");
    expect(socket.sent.slice(-2)).toEqual([
      { type: "unsubscribe", channel: "device/a" },
      { type: "subscribe", channel: "device/b" },
    ]);
    live.open(null);
    expect(live.watched.value).toBeNull();
  });

  it("begins again with a device whose metrics were edited, and leaves compared ones alone", async () => {
    known.set("b", infoOf("b"));
    await start();
    says({ a: { presence: "online", since: 9 }, b: { presence: "online", since: 9 } }, "subscribed");
    live.open("a", ["b"]);
    const begin = { type: "subscribed", epoch: "e", offset: 1, recovered: false };
    socket.says({ ...begin, channel: "device/a", snapshot: { t: [5_000_000, 1], h: [5_000_000, 2] } });
    await answered();
    const [before, compared] = [live.watched.value, live.compared.value[0]];
    socket.sent.length = 0;

    const snapshot = { u: [5_000_000, 1], h: [5_000_000, 2] };
    socket.says({ ...begin, epoch: "e-1", channel: "device/a", renewed: true, snapshot });
    says({ a: { renewed: true, snapshot, presence: "online", since: 9 } });
    socket.says({ type: "error", code: "conflict", message: "already subscribed", channel: "device/a" });
    await answered();

    expect(live.watched.value).not.toBe(before);
    expect(live.compared.value).toEqual([compared]);
    expect(live.watched.value?.metrics.value).toEqual(["u", "h"]);
    const resume = { epoch: "e-1", offset: 1 };
    expect(socket.sent).toEqual([{ type: "subscribe", channel: "device/a", resume }]);
    expect(asked.filter((path) => path.includes("metric=u"))).toHaveLength(1);
  });

  it("watches compared devices too, and keeps the readings of one that becomes the open one", async () => {
    known.set("b", infoOf("b"));
    await start();
    live.open("a", ["b", "c"]);
    const reading = { type: "readings", offset: 2, readings: [[5_000_000, { temperature: 7 }]] };
    const begin = { type: "subscribed", epoch: "e", offset: 1, recovered: false, snapshot: {} };
    socket.says({ ...begin, channel: "device/b" });
    await answered();
    socket.says({ ...reading, channel: "device/b" });
    const [b] = live.compared.value;
    expect(live.compared.value.map(({ deviceId }) => deviceId)).toEqual(["b", "c"]);
    expect(b?.latest.get("temperature")).toEqual([5_000_000, 7]);
    socket.sent.length = 0;

    live.open("b", ["a"]);

    expect(live.watched.value).toBe(b);
    expect(live.compared.value.map(({ deviceId }) => deviceId)).toEqual(["a"]);
    expect(socket.sent).toEqual([{ type: "unsubscribe", channel: "device/c" }]);
  });

  it("shows what the hub says of its storage until that is over or a new hub says nothing", async () => {
    await start();
    socket.says({ type: "storage", failing: true, message: "disk full" });
    expect(live.trouble.value).toMatchObject({ failing: true, message: "disk full" });
    socket.says({ type: "storage", failing: false, behind: true, message: "in the journal" });
    expect(live.trouble.value).toMatchObject({ failing: false, message: "in the journal" });
    socket.says({ type: "storage", failing: false, behind: false, message: "stored again" });
    expect(live.trouble.value).toBeNull();

    socket.says({ type: "storage", failing: true, message: "disk full" });
    socket.breaks();
    expect(live.trouble.value?.message).toBe("disk full");
    await clock.pass(250);
    await answered();
    socket.says({ type: "hello", time: 1, limits: {} });

    expect(live.trouble.value).toBeNull();
  });

  it("remembers since when its values are not live", async () => {
    await start();
    expect(live.lostAt.value).toBeNull();
    await clock.pass(100);

    socket.breaks();
    expect(live.lostAt.value).toBe(5_000_100);
    await clock.pass(250);
    await answered();
    expect(live.lostAt.value).toBe(5_000_100);
    socket.says({ type: "hello", time: 6_000_000, limits: {} });

    expect(live.lostAt.value).toBeNull();
  });
});

describe("the session", () => {
  it("is known with the first answer, and asked for once", async () => {
    await start();
    const times = asked.filter((path) => path === "api/v1/session").length;
    expect([live.session.value?.name, times]).toEqual(["ada", 1]);
  });

  it("leaves what the page holds to whoever comes back, and nothing to anybody else", async () => {
    await start();
    who = null;
    socket.breaks(4401);
    live.retryNow();
    await answered();
    expect([live.isLoggedOut.value, live.session.value?.name]).toEqual([true, "ada"]);

    who = "ada";
    live.retryNow();
    await answered();
    socket.says({ type: "hello", time: 5_000_000, limits: {} });
    expect([live.isLoggedOut.value, listed(), startedOver]).toEqual([false, ["a"], 0]);

    who = "bob";
    socket.breaks(4401);
    live.retryNow();
    await answered();
    expect(startedOver).toBe(1);
  });

  it("is ended at the provider that gave it, too", async () => {
    await start();
    const leaving = live.logOut();
    socket.breaks(4401);
    await leaving;
    expect([live.isLoggedOut.value, startedOver, left]).toEqual([false, 1, []]);
    who = "carl";
    await live.logOut();
    expect([startedOver, left]).toEqual([1, ["https://id.example/end"]]);
  });
});
