/** One thing that may be allowed; hub/model/principal.py says what each is for. */
export type Right =
  | "devices:read"
  | "history:read"
  | "live:read"
  | "raw:read"
  | "commands:write"
  | "devices:write"
  | "keys:write"
  | "rules:write"
  | "notes:write"
  | "import:write"
  | "people:write"
  | "metrics:scrape"
  | "system:write";

/** What can be given, the least first; each may what those before it may. */
export const ROLES = ["viewer", "operator", "manager", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** The devices named, and those that carry all of the labels ("k=v"). */
export interface Scope {
  readonly devices: readonly string[];
  readonly labels: readonly string[];
}

/** A role for the devices of a scope; null is the whole hub. */
export interface Grant {
  readonly role: Role | "local";
  readonly scope: Scope | null;
}

/** As much of a session as the rule has to know. */
export interface Allowed {
  /** What they allow adds up. */
  readonly grants: readonly Grant[];
  /** All that may be done, for some devices at least. */
  readonly rights: readonly Right[];
  /** What each role may, within its scope. */
  readonly roles: Readonly<Record<string, readonly Right[]>>;
}

/** As much of a device as the rule has to know. */
interface OfDevice {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * What the person logged in may do: the one place that decides what the page offers. The hub decides again
 * whenever something is done (hub/people/rule.py), so a mistake here lets nobody do more.
 */
export class Rights {
  readonly #session: Allowed | null;

  /** Null is a session that is not known yet: nothing may be done. */
  constructor(session: Allowed | null) {
    this.#session = session;
  }

  /** For some device at least. */
  may(right: Right): boolean {
    return this.#session?.rights.includes(right) ?? false;
  }

  /** For the whole hub, not for certain devices only. */
  mayForAll(right: Right): boolean {
    return this.#grantsWith(right).some(({ scope }) => scope === null);
  }

  /** For this device, as it is labelled now. */
  mayFor(right: Right, device: OfDevice): boolean {
    return this.#grantsWith(right).some(({ scope }) => scope === null || covers(scope, device));
  }

  /** For all devices that carry a label, as it is written: "hall=North". */
  mayForLabel(right: Right, label: string): boolean {
    const [key = "", ...value] = label.split("=");
    return this.mayFor(right, { id: "", labels: { [key]: value.join("=") } });
  }

  /** Labels with which a new device is one that this may be done to; none where it is in any case. */
  labelsFor(right: Right): readonly string[] {
    const scopes = this.#grantsWith(right).map(({ scope }) => scope);
    if (scopes.includes(null)) return [];
    return scopes.find((scope) => scope !== null && scope.labels.length > 0)?.labels ?? [];
  }

  /** The least role that has a right; null while that is not known. */
  leastRole(right: Right): Role | null {
    return ROLES.find((role) => this.#session?.roles[role]?.includes(right)) ?? null;
  }

  #grantsWith(right: Right): readonly Grant[] {
    if (!this.#session || !this.may(right)) return [];
    const { grants, roles } = this.#session;
    return grants.filter(({ role }) => roles[role]?.includes(right));
  }
}

/** Whether a device is one of a scope's. */
export function covers(scope: Scope, { id, labels }: OfDevice): boolean {
  if (scope.devices.includes(id)) return true;
  const carries = (label: string) => {
    const at = label.indexOf("=");
    return labels[label.slice(0, at)] === label.slice(at + 1);
  };
  return scope.labels.length > 0 && scope.labels.every(carries);
}
