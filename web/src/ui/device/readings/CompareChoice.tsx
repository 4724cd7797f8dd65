import { useState } from "preact/hooks";
import type { DeviceRecord } from "../../../live/fleet";
import type { MetricInfo } from "../../../live/rest";
import { isSame } from "../../../paint/lines";
import style from "../../../styles/choices.css?inline";
import { usePage } from "../../page";
import { adoptStyle } from "../../parts/adoptStyle";
import { COMPARED_MAX, hashOf } from "../../route";

adoptStyle(style);

/** Nobody reads a longer list; a search finds the others. */
const OFFERED_MAX = 50;

/** Which other devices are drawn beside the open one, of those with a number of the same name and unit. */
export function CompareChoice({ metrics }: { metrics: readonly MetricInfo[] }) {
  const page = usePage();
  const [query, setQuery] = useState("");
  page.live.fleet.structure.value;
  const route = page.route.value;
  const { compared } = route;
  const comparable = comparableOf(page.live.fleet.listed(), route.deviceId, metrics);
  const chosen = comparable.filter((device) => compared.includes(device.id));
  const found = comparable.filter((device) => !compared.includes(device.id) && isFound(device, query));
  const choose = (id: string, isChosen: boolean) => {
    const others = compared.filter((one) => one !== id);
    location.replace(hashOf({ ...route, compared: isChosen ? [...others, id] : others }));
  };
  return (
    <fieldset class="choices">
      <legend>Compare with up to {COMPARED_MAX}</legend>
      <input
        type="search"
        class="field"
        aria-label="Search devices to compare with"
        placeholder="Search"
        value={query}
        onInput={(input) => setQuery(input.currentTarget.value)}
      />
      {[...chosen, ...found.slice(0, OFFERED_MAX)].map((device) => {
        const isChosen = compared.includes(device.id);
        return (
          <label key={device.id} class="choice">
            <input
              type="checkbox"
              checked={isChosen}
              disabled={!isChosen && compared.length >= COMPARED_MAX}
              onChange={(change) => choose(device.id, change.currentTarget.checked)}
            />
            <span class="ellipsis">{device.name}</span>
          </label>
        );
      })}
      {comparable.length === 0 && (
        <p class="small">No other device has a metric of the same name and unit.</p>
      )}
      {comparable.length > 0 && found.length === 0 && query !== "" && (
        <p class="small">No device has such a name.</p>
      )}
      {found.length > OFFERED_MAX && <p class="small">{found.length - OFFERED_MAX} more: search for them.</p>}
    </fieldset>
  );
}

function comparableOf(
  devices: Iterable<DeviceRecord>,
  openId: string | null,
  metrics: readonly MetricInfo[],
): DeviceRecord[] {
  const numbers = metrics.filter((metric) => metric.type === "number");
  const shares = (device: DeviceRecord) =>
    device.info?.metrics.some((one) => numbers.some((other) => isSame(one, other)));
  return [...devices]
    .filter((device) => device.id !== openId && shares(device))
    .sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
}

function isFound(device: DeviceRecord, query: string): boolean {
  return `${device.name} ${device.id}`.toLowerCase().includes(query.trim().toLowerCase());
}
