import type { Grant, Scope } from "../../live/rights";

/** Of how many devices or labels the names are told; beyond, their number. */
const TOLD_MAX = 4;

/** A grant as people say it: "operator of boiler-1 and what has site=north". */
export function grantWords({ role, scope }: Grant): string {
  return scope === null ? `${role} of the whole hub` : `${role} of ${scopeWords(scope)}`;
}

export function scopeWords({ devices, labels }: Scope): string {
  const parts = [
    devices.length > 0 && listed(devices, "devices"),
    labels.length > 0 && `what has ${listed(labels, "labels")}`,
  ];
  return parts.filter(Boolean).join(" and ");
}

function listed(names: readonly string[], what: string): string {
  return names.length <= TOLD_MAX ? names.join(", ") : `${names.length} ${what}`;
}
