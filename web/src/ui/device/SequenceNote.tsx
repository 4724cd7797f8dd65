import { useState } from "preact/hooks";
import { DeviceRest } from "../../live/deviceRest";
import type { DeviceRecord } from "../../live/fleet";
import { count, moment } from "../../paint/format";
import { usePage } from "../page";
import { Confirm } from "../parts/Confirm";

/** Says that what a device sends is dropped as repeated, since when and why, and lets operators end that. */
export function SequenceNote({ device }: { device: DeviceRecord }) {
  const page = usePage();
  const [isAsking, setAsking] = useState(false);
  const { info } = device;
  const since = info?.sequence.repeated_since ?? null;
  if (!info || since === null) return null;
  const { sequence } = info;
  const reset = async () => {
    await new DeviceRest(page.live.rest, device.id).resetSequence();
    await page.live.refreshOpened();
  };
  return (
    <div class="banner banner-retry" role="alert">
      <span>
        What it sends is acknowledged and dropped as repeated since {moment(since)},{" "}
        {count(sequence.repeated)} {sequence.repeated === 1 ? "reading" : "readings"} so far: the numbers
        (seq) are not above {count(sequence.highest ?? 0)}, the highest one stored.
      </span>
      {page.rights.value.mayFor("commands:write", info) && (
        <button type="button" class="button" data-after-dialog onClick={() => setAsking(true)}>
          Count from the start
        </button>
      )}
      {isAsking && (
        <Confirm
          title={`Count the readings of ${device.name} again from the start?`}
          text={
            "The next number it sends is taken as the first, and its readings are stored from then on. " +
            "Readings from before that are stored again if it sends them again."
          }
          act="Count from the start"
          run={reset}
          close={() => setAsking(false)}
        />
      )}
    </div>
  );
}
