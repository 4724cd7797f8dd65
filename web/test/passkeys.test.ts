import { describe, expect, it } from "vitest";
import {
  type Authenticators,
  fromBase64url,
  makePasskey,
  showPasskey,
  toBase64url,
} from "../src/live/passkeys";

it.each(["", "AA", "AQI", "-_-_", "_w", "SGVsbG8"])("reads and writes base64url %j", (text) => {
  expect(toBase64url(fromBase64url(text))).toBe(text);
});

const buffer = (text: string) => fromBase64url(text).buffer;

/** A browser that converts nothing by itself; `asked` is what it was given. */
function oldBrowser(response: object) {
  const asked: Record<string, unknown>[] = [];
  const answer = async (options?: object) => {
    asked.push((options as { publicKey: Record<string, unknown> }).publicKey);
    return {
      id: "AQI",
      rawId: buffer("AQI"),
      type: "public-key",
      authenticatorAttachment: "platform",
      response,
      getClientExtensionResults: () => ({}),
    };
  };
  return { asked, browser: { credentials: { create: answer, get: answer } } as unknown as Authenticators };
}

describe("where the browser does not convert", () => {
  it("makes a passkey", async () => {
    const { asked, browser } = oldBrowser({
      clientDataJSON: buffer("AAEC"),
      attestationObject: buffer("_-8"),
      getTransports: () => ["internal"],
    });
    const options = {
      challenge: "AQID",
      user: { id: "BAU", name: "ada" },
      excludeCredentials: [{ id: "Bgc", type: "public-key" }],
    };

    expect(await makePasskey(options, browser)).toEqual({
      id: "AQI",
      rawId: "AQI",
      type: "public-key",
      authenticatorAttachment: "platform",
      clientExtensionResults: {},
      response: { clientDataJSON: "AAEC", attestationObject: "_-8", transports: ["internal"] },
    });
    expect(asked).toEqual([
      {
        challenge: new Uint8Array([1, 2, 3]),
        user: { id: new Uint8Array([4, 5]), name: "ada" },
        excludeCredentials: [{ id: new Uint8Array([6, 7]), type: "public-key" }],
      },
    ]);
  });

  it("shows one", async () => {
    const { asked, browser } = oldBrowser({
      clientDataJSON: buffer("AAEC"),
      authenticatorData: buffer("AQ"),
      signature: buffer("Ag"),
      userHandle: null,
    });

    expect(await showPasskey({ challenge: "AQID" }, browser)).toMatchObject({
      response: { clientDataJSON: "AAEC", authenticatorData: "AQ", signature: "Ag" },
    });
    expect(asked).toEqual([{ challenge: new Uint8Array([1, 2, 3]), allowCredentials: [] }]);
  });

  it("says that none was shown", async () => {
    const { browser } = oldBrowser({});
    const none = { ...browser, credentials: { ...browser.credentials, get: async () => null } };
    await expect(showPasskey({ challenge: "AQID" }, none)).rejects.toMatchObject({ name: "NotAllowedError" });
  });
});
