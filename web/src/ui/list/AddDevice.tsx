import { type Signal, useSignal } from "@preact/signals";
import { ValueFormatter } from "../../paint/format";
import { usePage } from "../page";
import { Copyable } from "../parts/Copyable";
import { Dialog } from "../parts/Dialog";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { labelsOf } from "../parts/labels";
import { hashOf } from "../route";
import { snippets } from "./snippets";

interface Added {
  readonly id: string;
  readonly key: string;
}

/** Makes a device, shows its key this once with what to run, and says when the first reading is there. */
export function AddDevice() {
  const page = usePage();
  const added = useSignal<Added | null>(null);
  const close = () => {
    location.hash = hashOf({ ...page.route.peek(), isAdding: false });
  };
  return (
    // Made anew for the second step, so that the focus is in it.
    <Dialog
      key={added.value?.id}
      title={added.value ? `Connect ${added.value.id}` : "Add a device"}
      close={close}
    >
      {added.value ? (
        <Connect id={added.value.id} apiKey={added.value.key} close={close} />
      ) : (
        <Description added={added} />
      )}
    </Dialog>
  );
}

function Description({ added }: { added: Signal<Added | null> }) {
  const page = usePage();
  const { failure, isSending, send } = useSending();
  const submit = (field: (name: string) => string) =>
    send(async () => {
      const wanted = { id: field("id"), name: field("name"), labels: labelsOf(field("labels")) };
      const made = await page.live.rest.addDevice(wanted);
      page.live.fleet.describe(made);
      added.value = { id: made.id, key: made.key };
    });
  return (
    <Form submit={submit}>
      <Field
        label="Id"
        name="id"
        hint="Letters, digits and . _ : - You cannot change it later."
        required
        maxLength={100}
        pattern="[A-Za-z0-9][A-Za-z0-9._:\-]*"
        placeholder="boiler-1"
      />
      <Field
        label="Name"
        name="name"
        hint="Shown to people. You can change it later."
        placeholder="Boiler 1"
      />
      <Field
        label="Labels"
        name="labels"
        isLong
        hint="To find and group devices, one a line."
        placeholder="hall=North"
        defaultValue={page.rights.peek().labelsFor("devices:write").join("\n")}
      />
      <Failure reason={failure} />
      <button type="submit" class="button primary" disabled={isSending}>
        Add device
      </button>
    </Form>
  );
}

function Connect({ id, apiKey, close }: { id: string; apiKey: string; close: () => void }) {
  const page = usePage();
  const tool = useSignal(0);
  const address = {
    host: location.hostname,
    url: new URL(".", document.baseURI).href.replace(/\/$/, ""),
    mqttPort: page.live.session.value?.mqtt_port ?? null,
  };
  const tools = snippets(apiKey, address);
  const shown = tools[tool.value] ?? tools[0];
  return (
    <div class="form">
      <p>This is its API key. It is shown this once; a lost one is replaced under Keys.</p>
      <Copyable name="API key" text={apiKey} />
      <fieldset class="picker">
        <legend>Send a first reading with</legend>
        {tools.map(({ name }, index) => (
          <label key={name}>
            <input
              type="radio"
              name="tool"
              checked={name === shown?.name}
              onChange={() => {
                tool.value = index;
              }}
            />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      {shown && <Copyable key={shown.name} name={shown.name} text={shown.text} />}
      <FirstReading id={id} />
      <div class="dialog-foot">
        <a class="button" href={hashOf({ ...page.route.value, isAdding: false, deviceId: id })}>
          Open {id}
        </a>
        <button type="button" class="button primary" onClick={close}>
          Done
        </button>
      </div>
    </div>
  );
}

/** Waits in view until the device has sent something. */
function FirstReading({ id }: { id: string }) {
  const page = usePage();
  page.live.fleet.structure.value;
  const device = page.live.fleet.get(id);
  const [first] = device?.latest ?? [];
  const isHere = first !== undefined;
  let text = "Waiting for the first reading";
  if (first) {
    const [name, [, value]] = first;
    const metric = device?.metric(name);
    const shown = new ValueFormatter(metric?.decimals).value(value, metric?.unit);
    text = `The first reading is here: ${name} ${shown}`;
  }
  return (
    <p role="status" class="first-reading" data-here={isHere}>
      <span class="first-mark" aria-hidden="true">
        {isHere ? "✓" : "…"}
      </span>
      {text}
    </p>
  );
}
