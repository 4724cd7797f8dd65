import type { WhichDevices } from "../../live/alertRest";
import { usePage } from "../page";

/** Whether somebody may set rules for these devices. */
export function useMaySetRule(): (on: WhichDevices) => boolean {
  const { live, rights } = usePage();
  return ({ device, label }) => {
    const may = rights.value;
    if (label !== undefined) return may.mayForLabel("rules:write", label);
    const info = device === undefined ? null : live.fleet.get(device)?.info;
    return info ? may.mayFor("rules:write", info) : may.mayForAll("rules:write");
  };
}
