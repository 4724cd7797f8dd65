import { useId, useRef, useState } from "preact/hooks";
import type { Command } from "../../../live/command";
import type { DeviceRest, KnownMethod, NewCommand } from "../../../live/deviceRest";
import { Confirm } from "../../parts/Confirm";
import { Failure, Field, Form, useSending } from "../../parts/forms";
import { jsonOf, numberOf } from "../parseInput";
import { isDangerous } from "./danger";
import { inputName, ParameterInputs } from "./ParameterInputs";
import { fieldsOf, readParameters } from "./parameters";

const WAIT_S = 60;
const OTHER = "";

interface SendFormProps {
  readonly rest: DeviceRest;
  readonly name: string;
  readonly methods: readonly KnownMethod[];
  readonly sent: (command: Command) => void;
}

/** Sends a declared command by its own form, or any other; what is dangerous after asking. */
export function SendForm({ rest, name, methods, sent }: SendFormProps) {
  const { failure, isSending, send } = useSending();
  const [chosen, setChosen] = useState(methods[0]?.name ?? OTHER);
  const [turn, setTurn] = useState(0); // what was sent: the fields begin anew, with their first values
  const [asked, setAsked] = useState<NewCommand | null>(null);
  const form = useRef<HTMLFormElement | null>(null);
  const method = methods.find((one) => one.name === chosen) ?? null;
  const dispatch = async (command: NewCommand) => {
    sent(await rest.sendCommand(command));
    form.current?.reset();
    setTurn((before) => before + 1);
  };
  const submit = (field: (name: string) => string, submitted: HTMLFormElement) =>
    send(async () => {
      form.current = submitted;
      const wanted: NewCommand = {
        method: method?.name ?? field("method"),
        params:
          method && fieldsOf(method)
            ? readParameters(method, (one) => field(inputName(one)))
            : paramsOf(field("params")),
        timeout_s: numberOf(field("wait"), "Wait") ?? WAIT_S,
      };
      const mustAsk = method ? method.dangerous : isDangerous(wanted.method);
      if (mustAsk || field("ask") !== "") setAsked({ ...wanted, confirm: true });
      else await dispatch(wanted);
    });
  return (
    <>
      <Form submit={submit} label="Send a command">
        <div class="fields">
          {methods.length > 0 && <MethodChoice methods={methods} chosen={chosen} choose={setChosen} />}
          {method === null && <Field label="Method" name="method" required placeholder="set_level" />}
          {method ? (
            <ParameterInputs key={`${turn} ${method.name}`} method={method} />
          ) : (
            <Field label="Parameters, JSON" name="params" placeholder={'{"level": 3}'} />
          )}
          <Field label="Wait, s" name="wait" defaultValue={String(WAIT_S)} inputMode="decimal" />
        </div>
        <Failure reason={failure} />
        <div class="send-foot">
          <label class="tick">
            <input type="checkbox" name="ask" />
            <span>Ask before sending</span>
          </label>
          <span class="small">{adviceFor(method)}</span>
          <span class="grow" />
          <button type="submit" class="button primary" disabled={isSending}>
            Send
          </button>
        </div>
      </Form>
      {asked && (
        <Confirm
          title={`Send ${asked.method} to ${name}?`}
          text={`${spoken(asked)} The device may act on it at once; it cannot be taken back.`}
          act={`Send ${asked.method}`}
          run={() => dispatch(asked)}
          close={() => setAsked(null)}
        />
      )}
    </>
  );
}

function MethodChoice(props: {
  methods: readonly KnownMethod[];
  chosen: string;
  choose: (name: string) => void;
}) {
  const id = useId();
  return (
    <div class="form-field">
      <label for={id}>Command</label>
      <select
        id={id}
        class="field"
        value={props.chosen}
        onChange={(changed) => props.choose(changed.currentTarget.value)}
      >
        {props.methods.map((one) => (
          <option key={one.name} value={one.name}>
            {one.label || one.name}
          </option>
        ))}
        <option value={OTHER}>Another …</option>
      </select>
    </div>
  );
}

function adviceFor(method: KnownMethod | null): string {
  if (method?.dangerous) return "This is dangerous, so it is always asked about.";
  return method ? "" : "Reboot, reset, off and the like are always asked about.";
}

function spoken({ params }: NewCommand): string {
  return params === null ? "Without parameters." : `With ${JSON.stringify(params)}.`;
}

function paramsOf(text: string): unknown {
  if (text === "") return null;
  try {
    return jsonOf(text);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error('Parameters: this is not JSON. A text goes in quotes: "fast".');
  }
}
