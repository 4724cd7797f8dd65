import type { DeviceRest, Rejection } from "../../live/deviceRest";
import { moment } from "../../paint/format";
import { Loaded, useLoaded } from "../parts/Loaded";

/** Why readings of this device were refused, newest first, with what it sent. */
export function RejectionsSection({ rest }: { rest: DeviceRest }) {
  const rejections = useLoaded(() => rest.rejections());
  return (
    <>
      <div class="section-head">
        <h3>Rejections</h3>
        <button type="button" class="button" onClick={() => void rejections.reload()}>
          Refresh
        </button>
      </div>
      <Loaded of={rejections}>
        {(found) =>
          found.length === 0 ? (
            <p class="message">Nothing from this device was refused.</p>
          ) : (
            <ul class="records">
              {found.map((rejection) => (
                <RejectionRecord key={JSON.stringify(rejection)} of={rejection} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}

function RejectionRecord({ of: rejection }: { of: Rejection }) {
  const isText = rejection.raw !== null;
  return (
    <li class="record">
      <div class="record-head">
        <strong>{rejection.code}</strong>
        <span class="grow" />
        <span class="small">
          {moment(rejection.received_at)} · {rejection.source}
        </span>
      </div>
      <p>{rejection.message}</p>
      <details>
        <summary>{isText ? "What was sent" : "What was sent, in base64"}</summary>
        <pre class="wrapped">
          <code>{(isText ? rejection.raw : rejection.raw_base64) || "(nothing)"}</code>
        </pre>
      </details>
    </li>
  );
}
