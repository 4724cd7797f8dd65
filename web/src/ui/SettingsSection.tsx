import { useState } from "preact/hooks";
import type { DeviceRest } from "../live/deviceRest";
import type { DeviceInfo, MetricInfo } from "../live/rest";
import { Failure, Field, Form, numberOf, useSending } from "./forms";
import { labelsOf, labelsText } from "./labels";
import { usePage } from "./page";

interface SettingsProps {
  readonly rest: DeviceRest;
  readonly info: DeviceInfo;
}

/** What operators say of a device and of its metrics. */
export function SettingsSection({ rest, info }: SettingsProps) {
  return (
    <>
      <div class="section-head">
        <h3>Device</h3>
      </div>
      <DeviceForm rest={rest} info={info} />
      {info.metrics.map((metric) => (
        <MetricForm key={metric.name} rest={rest} info={info} metric={metric} />
      ))}
    </>
  );
}

function DeviceForm({ rest, info }: SettingsProps) {
  const page = usePage();
  const submit = async (field: (name: string) => string) => {
    const interval = numberOf(field("interval"), "Expected interval");
    const labels = labelsOf(field("labels"));
    const changed = await rest.change({ name: field("name"), labels, expected_interval_s: interval });
    page.live.fleet.describe(changed);
  };
  return (
    <Saved submit={submit} label="Device settings">
      <Field label="Name" name="name" defaultValue={info.name} />
      <Field
        label="Labels"
        name="labels"
        isLong
        hint="One a line, like hall=North"
        defaultValue={labelsText(info.labels)}
      />
      <Field
        label="Expected interval, s"
        name="interval"
        inputMode="decimal"
        hint="How often it sends; silent for much longer, it counts as stale."
        defaultValue={String(info.expected_interval_s ?? "")}
      />
    </Saved>
  );
}

function MetricForm({ rest, metric }: SettingsProps & { readonly metric: MetricInfo }) {
  const page = usePage();
  const { name, type } = metric;
  const submit = async (field: (name: string) => string) => {
    const [minimum, maximum] = [numberOf(field("minimum"), "Least"), numberOf(field("maximum"), "Most")];
    const metrics = [{ name, unit: field("unit") || null, minimum, maximum }];
    page.live.fleet.describe(await rest.change({ metrics }));
  };
  return (
    <>
      <div class="section-head">
        <h3>{name}</h3>
        <span class="small">{type}</span>
      </div>
      <Saved submit={submit} label={`Settings of ${name}`}>
        <div class="fields">
          <Field label="Unit" name="unit" maxLength={50} defaultValue={metric.unit ?? ""} />
          {type === "number" && (
            <>
              <Field
                label="Least"
                name="minimum"
                inputMode="decimal"
                hint="Readings below are refused."
                defaultValue={String(metric.minimum ?? "")}
              />
              <Field
                label="Most"
                name="maximum"
                inputMode="decimal"
                hint="Readings above are refused."
                defaultValue={String(metric.maximum ?? "")}
              />
            </>
          )}
        </div>
      </Saved>
    </>
  );
}

/** A form with a Save button that says how it went. */
function Saved(props: Parameters<typeof Form>[0]) {
  const { failure, isSending, send } = useSending();
  const [isSaved, setSaved] = useState(false);
  return (
    <Form
      label={props.label}
      submit={async (field, form) => {
        setSaved(false);
        setSaved(await send(async () => void (await props.submit(field, form))));
      }}
    >
      {props.children}
      <Failure reason={failure} />
      <div class="copy-line">
        <span role="status" class="small">
          {isSaved ? "Saved" : ""}
        </span>
        <button type="submit" class="button" disabled={isSending}>
          Save
        </button>
      </div>
    </Form>
  );
}
