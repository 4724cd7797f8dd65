import type { Grant, Role, Scope } from "../../live/rights";

/** A grant as it is being typed: ids and labels one a line. */
export interface GrantDraft {
  readonly role: Role;
  readonly isWholeHub: boolean;
  readonly devices: string;
  readonly labels: string;
}

export const NEW_GRANT: GrantDraft = { role: "viewer", isWholeHub: true, devices: "", labels: "" };

export function draftOf({ role, scope }: Grant): GrantDraft {
  return {
    role: role === "local" ? "viewer" : role,
    isWholeHub: scope === null,
    devices: scope?.devices.join("\n") ?? "",
    labels: scope?.labels.join("\n") ?? "",
  };
}

/** What is meant. Throws where that cannot be. */
export function grantOf(draft: GrantDraft): Grant & { readonly role: Role } {
  return { role: draft.role, scope: scopeOf(draft) };
}

function scopeOf({ role, isWholeHub, devices, labels }: GrantDraft): Scope | null {
  if (isWholeHub || role === "admin") return null;
  const scope = { devices: linesOf(devices), labels: linesOf(labels) };
  const faulty = scope.labels.find((label) => label.indexOf("=") < 1);
  if (faulty !== undefined)
    throw new Error(`Labels are written like site=north, one a line; “${faulty}” is not.`);
  if (scope.devices.length === 0 && scope.labels.length === 0) {
    throw new Error("Name devices or labels, or choose the whole hub.");
  }
  return scope;
}

function linesOf(text: string): string[] {
  return [...new Set(text.split("\n").map((line) => line.trim()))].filter((line) => line !== "");
}
