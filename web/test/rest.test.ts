import { describe, expect, it } from "vitest";
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

    expect(await restOf({ [path]: () => json({ name: "op" }) }).rest.isLoggedIn()).toBe(true);
    expect(await restOf({ [path]: problem }).rest.isLoggedIn()).toBe(false);
    await expect(restOf({}).rest.isLoggedIn()).rejects.toThrow(Unreachable);
    await expect(restOf({ [path]: () => json({}, 503) }).rest.isLoggedIn()).rejects.toThrow(Problem);
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
