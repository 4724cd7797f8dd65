import { Confirmation } from "./confirmation";
import type { Presence, Snapshot } from "./protocol";
import type { Allowed, Role, Scope } from "./rights";

/**
 * From where on a metric's values are a warning, or critical: ascending, null where there is no such limit.
 */
export interface Thresholds {
  readonly critical_low: number | null;
  readonly warning_low: number | null;
  readonly warning_high: number | null;
  readonly critical_high: number | null;
}

export const NO_THRESHOLDS: Thresholds = {
  critical_low: null,
  warning_low: null,
  warning_high: null,
  critical_high: null,
};

/**
 * Seconds the hub keeps a device's values, by tier: 0 is for ever, null is what the hub's configuration says.
 */
export interface Retention {
  readonly raw_s: number | null;
  readonly minute_s: number | null;
  readonly hour_s: number | null;
}

/** What REST says of a metric. */
export interface MetricInfo {
  readonly name: string;
  readonly type: "number" | "text" | "boolean";
  readonly unit: string | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
  /** How many are shown; null leaves it to the page. */
  readonly decimals: number | null;
  readonly thresholds: Thresholds;
}

/** How a device numbers its readings (`seq`), so that one that is sent again is stored once. */
export interface SequenceInfo {
  /** The highest number stored; null where the device does not number them. */
  readonly highest: number | null;
  /** How many readings in a row were acknowledged and dropped, for their numbers were not above that. */
  readonly repeated: number;
  /** Since when, milliseconds UTC; null while its readings are stored. */
  readonly repeated_since: number | null;
}

/** That a limit holds a device back. */
export interface Limited {
  /** Milliseconds UTC. */
  readonly since: number;
  readonly waited_s: number;
}

/** What REST says of a device. Times in milliseconds UTC. */
export interface DeviceInfo {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly expected_interval_s: number | null;
  readonly presence: Presence;
  readonly since: number | null;
  readonly last_seen: number | null;
  /** Not so the hub's own figures: they are in no list and no count. */
  readonly counted: boolean;
  readonly sequence: SequenceInfo;
  /** By limit, while one holds it back. */
  readonly limited: Readonly<Record<string, Limited>>;
  readonly retention: Retention;
  readonly metrics: readonly MetricInfo[];
}

/** Readings over a range, in columns, ascending in time. Raw readings have min = avg = max. */
export interface History {
  readonly tier: string;
  /** How wide a row's bucket is, milliseconds; one without readings has no row. Null for raw. */
  readonly step: number | null;
  readonly time: readonly number[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  readonly avg: readonly (number | null)[];
  /** Of how many readings each row is made. Null for raw, where each is one. */
  readonly count: readonly number[] | null;
}

export interface Latest {
  readonly snapshot: Snapshot;
}

/** Who is logged in, and where devices find MQTT; `mqtt_port` is null where it is off. */
export interface Session extends Allowed {
  readonly name: string;
  /** Of several grants, the highest, with its scope. */
  readonly role: Role | "local";
  readonly scope: Scope | null;
  /** How they came in: "link", "password", "oidc:<provider>", …; "token" is a program: it has no account. */
  readonly origin: string;
  /** What they can show to confirm that it is them: "password", "passkey"; nothing: a new log in. */
  readonly confirm_by: readonly string[];
  readonly mqtt_port: number | null;
}

/** What a new device is to be. */
export interface NewDevice {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The hub refused. `status` is HTTP's; the message is the problem's own words. */
export class Problem extends Error {
  readonly status: number;
  /** Which field of what was sent is at fault: "metrics.0.decimals"; null where the hub names none. */
  readonly where: string | null;
  /** The hub's word for what is wrong: "conflict", "step_up", …; null where the answer is not the hub's. */
  readonly code: string | null;
  /** When to come back; null where the hub does not say. */
  readonly retryAfterS: number | null;

  constructor(status: number, message: string, said: Partial<Omit<Problem, keyof Error | "status">> = {}) {
    super(message);
    this.status = status;
    this.where = said.where ?? null;
    this.code = said.code ?? null;
    this.retryAfterS = said.retryAfterS ?? null;
  }
}

/** No answer came: no network, no hub, or not in time. */
export class Unreachable extends Error {}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const PAGE = 1000;
/** A longer list is of no use; the search would then be the server's job. */
const DEVICES_MAX = 20_000;
const TIMEOUT_MS = 15_000;
/** The code of a write that waits until the person has shown again that it is them. */
const UNCONFIRMED = "step_up";

/** The hub's REST interface, as much of it as the page uses. Throws Problem or Unreachable. */
export class Rest {
  readonly confirmation = new Confirmation();
  readonly #fetch: typeof fetch;

  constructor(fetcher: typeof fetch) {
    this.#fetch = fetcher;
  }

  /** The browser's session; null where it holds none that the hub accepts. */
  async session(): Promise<Session | null> {
    try {
      return (await this.#get("api/v1/session")) as Session;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  }

  /** Where the browser logs out at the provider that let somebody in; null where there is no such place. */
  async logOut(): Promise<string | null> {
    const answer = (await this.ask("api/v1/session", "DELETE")) as { url: string } | undefined;
    return answer?.url ?? null;
  }

  /** All devices, page by page. */
  async devices(): Promise<DeviceInfo[]> {
    const devices: DeviceInfo[] = [];
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (cursor !== null) query.set("cursor", cursor);
      const page = (await this.#get(`api/v1/devices?${query}`)) as {
        devices: DeviceInfo[];
        next: string | null;
      };
      devices.push(...page.devices);
      cursor = page.next;
    } while (cursor !== null && devices.length < DEVICES_MAX);
    return devices;
  }

  /** Adds a device; its key is in this answer and never again. */
  async addDevice(wanted: NewDevice): Promise<DeviceInfo & { readonly key: string }> {
    return (await this.ask("api/v1/devices", "POST", wanted)) as DeviceInfo & { key: string };
  }

  async device(deviceId: string): Promise<DeviceInfo> {
    return (await this.#get(devicePath(deviceId))) as DeviceInfo;
  }

  /** Readings of one metric with from ≤ time ≤ to, about `points` of them at most. Milliseconds UTC. */
  async history(
    deviceId: string,
    metric: string,
    from: number,
    to: number,
    points: number,
  ): Promise<History> {
    const query = new URLSearchParams({
      metric,
      from: String(Math.floor(from)),
      to: String(Math.ceil(to)),
      points: String(points),
    });
    return (await this.#get(`${devicePath(deviceId)}/history?${query}`)) as History;
  }

  #get(path: string): Promise<unknown> {
    return this.ask(path, "GET");
  }

  /**
   * One request; undefined where the answer has no content. Where the hub first wants to know that it is
   * still the same person, it is sent again once they have shown that.
   */
  async ask(path: string, method: Method, body?: object, stop?: AbortSignal): Promise<unknown> {
    try {
      return await this.#send(path, method, body, stop);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== UNCONFIRMED) throw error;
      if (!(await this.confirmation.ask())) throw error;
    }
    return this.#send(path, method, body);
  }

  async #send(path: string, method: Method, body?: object, stop?: AbortSignal): Promise<unknown> {
    let response: Response;
    try {
      response = await this.#fetch(path, {
        method,
        headers: { Accept: "application/json" },
        ...(body && { body: JSON.stringify(body) }),
        credentials: "same-origin",
        cache: "no-store",
        signal: stop
          ? AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)])
          : AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new Unreachable(error instanceof Error ? error.message : "no answer");
    }
    const answer = await readBody(response);
    if (!response.ok) throw problemOf(answer, response);
    return answer;
  }
}

export function devicePath(deviceId: string): string {
  return `api/v1/devices/${encodeURIComponent(deviceId)}`;
}

/** The body as JSON, or undefined where it is none: no content, or a proxy's error page. */
async function readBody(response: Response): Promise<unknown> {
  const type = response.headers.get("content-type") ?? "";
  if (!type.includes("json")) {
    await response.text();
    return undefined;
  }
  try {
    return await response.json();
  } catch {
    throw new Unreachable("the answer broke off");
  }
}

function problemOf(body: unknown, response: Response): Problem {
  const { where, code } = (body ?? {}) as { where?: unknown; code?: unknown };
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new Problem(response.status, problemText(body, response), {
    where: typeof where === "string" ? where : null,
    code: typeof code === "string" ? code : null,
    retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : null,
  });
}

function problemText(body: unknown, response: Response): string {
  const problem = (body ?? {}) as { detail?: unknown; title?: unknown };
  if (typeof problem.detail === "string") return problem.detail;
  if (typeof problem.title === "string") return problem.title;
  return `the hub answered ${response.status} ${response.statusText}`.trim();
}
