import type { DeviceRest } from "../../live/deviceRest";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { Loaded, useLoaded } from "../parts/Loaded";
import { jsonOrText } from "./parseInput";
import { useDeviceNews } from "./useDeviceNews";

type AttributeValues = Readonly<Record<string, unknown>>;

/** Slow-changing values: what the device reports, and what operators wish for, pending until it is so. */
export function AttributesSection({ rest, mayOperate }: { rest: DeviceRest; mayOperate: boolean }) {
  const attributes = useLoaded(() => rest.attributes());
  const { failure, isSending, send } = useSending();
  useDeviceNews((news) => {
    if (news.type === "attributes" || (news.type === "subscribed" && !news.recovered)) {
      void attributes.reload();
    }
  });
  const share = (read: () => AttributeValues) =>
    send(async () => {
      await rest.shareAttributes(read());
      await attributes.reload();
    });
  const remove = mayOperate ? (name: string) => void share(() => ({ [name]: null })) : undefined;
  return (
    <Loaded of={attributes}>
      {({ device, shared, pending }) => (
        <>
          <div class="section-head">
            <h3>Reported by the device</h3>
          </div>
          <AttributeList values={device} none="It has not reported any." />
          <div class="section-head">
            <h3>Set by operators</h3>
          </div>
          <AttributeList values={shared} none="None are set." reported={device} {...{ pending, remove }} />
          {mayOperate && (
            <Form
              label="Set an attribute"
              submit={async (field, form) => {
                if (await share(() => ({ [field("name")]: jsonOrText(field("value")) }))) form.reset();
              }}
            >
              <div class="fields">
                <Field label="Attribute" name="name" required />
                <Field label="Value" name="value" required hint="JSON, or a text as it is" />
              </div>
              <Failure reason={failure} />
              <button type="submit" class="button" disabled={isSending}>
                Set
              </button>
            </Form>
          )}
        </>
      )}
    </Loaded>
  );
}

interface ListProps {
  readonly values: AttributeValues;
  readonly none: string;
  /** Those that the device has not reported back, and what it reports in their place. */
  readonly pending?: readonly string[];
  readonly reported?: AttributeValues;
  readonly remove?: ((name: string) => void) | undefined;
}

function AttributeList({ values, none, pending = [], reported = {}, remove }: ListProps) {
  const names = Object.keys(values).sort();
  if (names.length === 0) return <p class="small">{none}</p>;
  return (
    <ul class="records">
      {names.map((name) => (
        <li key={name} class="record record-head">
          <span>{name}</span>
          <span class="grow" />
          {pending.includes(name) && (
            <span class="pending">
              <span aria-hidden="true">◔</span> pending
              {Object.hasOwn(reported, name) ? `, is ${JSON.stringify(reported[name])}` : ", not reported"}
            </span>
          )}
          <code>{JSON.stringify(values[name])}</code>
          {remove && (
            <button type="button" class="button" aria-label={`Remove ${name}`} onClick={() => remove(name)}>
              Remove
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
