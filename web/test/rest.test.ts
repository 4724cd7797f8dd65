import { describe, expect, it, vi } from "vitest";
import { Problem, Rest, Unreachable } from "../src/live/rest";

/** A hub's answers by path, and the paths it was asked for. */
function restOf(answers: Record<string, () => Response>): { rest: Rest; asked: string[] } {
  const asked: string[] = [];
  const rest = new Rest(async (input) => {
    asked.push(String(input));
    const answer = answers[String(input)];
    if (!answer) throw new TypeError("Failed to fetch");
    return answer();
  });
  return { rest, asked };
}

function json(body: unknown, status = 200, type = "application/json"): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": type } });
}

describe("Rest", () => {
  it("reads the device list page by page", async () => {
    const { rest, asked } = restOf({
      "api/v1/devices?limit=1000": () => json({ devices: [{ id: "a" }], next: "a b" }),
      "api/v1/devices?limit=1000&cursor=a+b": () => json({ devices: [{ id: "b" }], next: null }),
    });

    expect((await rest.devices()).map(({ id }) => id)).toEqual(["a", "b"]);
    expect(asked).toHaveLength(2);
  });

  it("asks for history in whole milliseconds that hold the range", async () => {
    const path = "api/v1/devices/hall%2F1/history?metric=a%26b&from=1000&to=2001&points=5";
    const { rest } = restOf({ [path]: () => json({ tier: "raw", time: [], min: [], max: [], avg: [] }) });

    await expect(rest.history("hall/1", "a&b", 1000.7, 2000.2, 5)).resolves.toMatchObject({ tier: "raw" });
  });

  it("tells no session from no answer", async () => {
    const path = "api/v1/session";
    const problem = () => json({ detail: "log in" }, 401, "application/problem+json");

    expect(await restOf({ [path]: () => json({ name: "op" }) }).rest.session()).toEqual({ name: "op" });
    expect(await restOf({ [path]: problem }).rest.session()).toBe(null);
    await expect(restOf({}).rest.session()).rejects.toThrow(Unreachable);
    await expect(restOf({ [path]: () => json({}, 503) }).rest.session()).rejects.toThrow(Problem);
  });

  it("gives a problem's own words", async () => {
    const { rest } = restOf({
      "api/v1/devices/x": () =>
        json({ title: "Not found", detail: "there is no device 'x'" }, 404, "application/problem+json"),
    });

    await expect(rest.device("x")).rejects.toThrow("there is no device 'x'");
    await expect(rest.device("x")).rejects.toMatchObject({ status: 404 });
  });

  it("survives an answer of someone else's", async () => {
    const { rest } = restOf({
      "api/v1/devices/x": () =>
        new Response("<h1>Bad gateway</h1>", { status: 502, statusText: "Bad Gateway" }),
    });

    await expect(rest.device("x")).rejects.toThrow("the hub answered 502 Bad Gateway");
  });

  it("takes an answer that breaks off as none", async () => {
    const { rest } = restOf({
      "api/v1/devices/x": () =>
        new Response('{"id":', { headers: { "Content-Type": "application/json; charset=utf-8" } }),
    });

    await expect(rest.device("x")).rejects.toThrow(Unreachable);
  });
});

describe("a write that takes a confirmation", () => {
  const unconfirmed = () =>
    json({ detail: "confirm that it is you", code: "step_up" }, 403, "application/problem+json");

  /** A hub that wants to be shown that it is the same person, once, and all that was sent to it. */
  function hub() {
    const sent: string[] = [];
    let isConfirmed = false;
    const rest = new Rest(async (path, init) => {
      sent.push(`${init?.method} ${path} ${init?.body}`);
      return isConfirmed ? json({ id: "made" }) : unconfirmed();
    });
    const answer = (is: boolean) => {
      isConfirmed = is;
      rest.confirmation.answer(is);
    };
    return { rest, sent, answer };
  }

  it("is sent again, as it was, once that is shown", async () => {
    const { rest, sent, answer } = hub();
    const one = rest.ask("a", "POST", { name: "wall" });
    const other = rest.ask("b", "DELETE");
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    await vi.waitFor(() => expect(rest.confirmation.isAsked.value).toBe(true));

    answer(true);

    expect(await one).toEqual({ id: "made" });
    expect(await other).toEqual({ id: "made" });
    expect(sent).toEqual([...sent.slice(0, 2), ...sent.slice(0, 2)]);
    expect(rest.confirmation.isAsked.value).toBe(false);
  });

  it("is not done where somebody thinks better of it, or the hub is not satisfied", async () => {
    const { rest, sent, answer } = hub();
    const left = rest.ask("a", "POST");
    await vi.waitFor(() => expect(rest.confirmation.isAsked.value).toBe(true));
    answer(false);
    await expect(left).rejects.toMatchObject({ code: "step_up", message: "confirm that it is you" });
    expect(sent).toHaveLength(1);

    const again = rest.ask("a", "POST");
    await vi.waitFor(() => expect(rest.confirmation.isAsked.value).toBe(true));
    rest.confirmation.answer(true);
    await expect(again).rejects.toMatchObject({ code: "step_up" });
  });

  it("tells other refusals as they are, with when to come back", async () => {
    const path = "api/v1/session";
    const busy = () =>
      new Response(JSON.stringify({ detail: "too many", code: "busy" }), {
        status: 429,
        headers: { "Content-Type": "application/problem+json", "Retry-After": "3" },
      });
    const { rest } = restOf({ [path]: busy });
    await expect(rest.ask(path, "POST")).rejects.toMatchObject({ code: "busy", retryAfterS: 3 });
  });
});
