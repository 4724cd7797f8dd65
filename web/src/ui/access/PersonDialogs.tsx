import { useState } from "preact/hooks";
import type { MadeLink, PeopleRest, Person } from "../../live/peopleRest";
import { moment } from "../../paint/format";
import { usePage } from "../page";
import { Copyable } from "../parts/Copyable";
import { Dialog } from "../parts/Dialog";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { Picker } from "../parts/Picker";
import { GrantFields } from "./GrantFields";
import { draftOf, type GrantDraft, grantOf, NEW_GRANT } from "./grantDraft";
import { NewPassword } from "./NewPassword";
import { typedPassword } from "./PasswordField";

interface PersonDialogProps {
  readonly rest: PeopleRest;
  readonly close: () => void;
  /** The list is asked for anew, and the dialog closed. */
  readonly done: () => Promise<void>;
}

/** A new person: who, what they may, and how they come in the first time. */
export function AddPerson({
  rest,
  close,
  done,
  link,
}: PersonDialogProps & { link: (name: string) => unknown }) {
  const [drafts, setDrafts] = useState<readonly GrantDraft[]>([NEW_GRANT]);
  const [way, setWay] = useState<"link" | "password">("link");
  const { failure, isSending, send } = useSending();
  const add = async (name: string, form: HTMLFormElement) => {
    const isAdded = await send(async () => {
      const password = way === "password" ? typedPassword(form, "new") : null;
      await rest.add(name, drafts.map(grantOf), password);
    });
    if (!isAdded) return;
    if (way === "link") await link(name);
    else await done();
  };
  return (
    <Dialog title="Add a person" close={close}>
      <Form submit={(field, form) => add(field("name"), form)}>
        <Field label="Name" name="name" required maxLength={100} placeholder="ada" />
        <GrantList drafts={drafts} set={setDrafts} />
        <Picker
          legend="They come in"
          name="way"
          options={["link", "password"]}
          chosen={way}
          word={(option) => (option === "link" ? "By a one-time link" : "By a password")}
          choose={setWay}
        />
        {way === "password" && <NewPassword />}
        <Failure reason={failure} />
        <Foot act="Add" isSending={isSending} close={close} />
      </Form>
    </Dialog>
  );
}

export function ChangeGrants({ rest, person, close, done }: PersonDialogProps & { person: Person }) {
  const page = usePage();
  const [drafts, setDrafts] = useState<readonly GrantDraft[]>(() => person.grants.map(draftOf));
  const { failure, isSending, send } = useSending();
  const save = async () => {
    const isSaved = await send(async () => {
      await rest.grant(person.name, drafts.map(grantOf));
      await page.live.refreshSession();
    });
    if (isSaved) await done();
  };
  return (
    <Dialog title={`What ${person.name} may`} close={close}>
      <Form submit={save}>
        <GrantList drafts={drafts} set={setDrafts} />
        <p class="small">Tokens that they made for more than they then may are revoked.</p>
        <Failure reason={failure} />
        <Foot act="Save" isSending={isSending} close={close} />
      </Form>
    </Dialog>
  );
}

/** How somebody comes in: another password for them, and their passkeys, should one be lost. */
export function WaysIn({ rest, person, close, done }: PersonDialogProps & { person: Person }) {
  const { failure, isSending, send } = useSending();
  const change = async (request: () => Promise<void>) => {
    if (await send(request)) await done();
  };
  const save = (form: HTMLFormElement) =>
    change(() => rest.setPassword(person.name, typedPassword(form, "new")));
  return (
    <Dialog title={`How ${person.name} logs in`} close={close}>
      <Form submit={(_, form) => save(form)}>
        {person.passkeys.length > 0 && (
          <ul class="records" aria-label="Passkeys">
            {person.passkeys.map(({ id, name }) => (
              <li key={id} class="record record-head">
                <span>
                  Passkey <strong>{name}</strong>
                </span>
                <span class="grow" />
                <button
                  type="button"
                  class="button"
                  aria-label={`Remove the passkey ${name}`}
                  disabled={isSending}
                  onClick={() => void change(() => rest.removePasskey(person.name, id))}
                >
                  Remove
                </button>
              </li>
            ))}
          </ul>
        )}
        <p>
          With a new password they are logged out wherever they are logged in. They can set another one under
          Account.
        </p>
        <NewPassword />
        <Failure reason={failure} />
        <Foot act="Set password" isSending={isSending} close={close} />
      </Form>
    </Dialog>
  );
}

export function LinkDialog({ name, made, close }: { name: string; made: MadeLink; close: () => void }) {
  return (
    <Dialog title={`A link for ${name}`} close={close}>
      <div class="form">
        <Copyable name="login link" text={made.link} />
        <p>
          It is shown this once, and logs one browser in as {name}, until {moment(made.expires_at)}. Give it
          to nobody else.
        </p>
        <button type="button" class="button primary" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

/** One grant or several; what they allow adds up. */
function GrantList(props: { drafts: readonly GrantDraft[]; set: (drafts: readonly GrantDraft[]) => void }) {
  const { drafts, set } = props;
  const change = (index: number, to: Partial<GrantDraft>) =>
    set(drafts.map((draft, place) => (place === index ? { ...draft, ...to } : draft)));
  return (
    <>
      {drafts.map((draft, index) => (
        <fieldset key={index} class="grant">
          <legend>{drafts.length === 1 ? "May" : `May, ${index + 1}`}</legend>
          <GrantFields draft={draft} change={(to) => change(index, to)} />
          {drafts.length > 1 && (
            <button
              type="button"
              class="button"
              onClick={() => set(drafts.filter((_, place) => place !== index))}
            >
              Leave this out
            </button>
          )}
        </fieldset>
      ))}
      <button
        type="button"
        class="button start"
        onClick={() => set([...drafts, { ...NEW_GRANT, isWholeHub: false }])}
      >
        And for other devices
      </button>
    </>
  );
}

function Foot({ act, isSending, close }: { act: string; isSending: boolean; close: () => void }) {
  return (
    <div class="dialog-foot">
      <button type="button" class="button" onClick={close}>
        Cancel
      </button>
      <button type="submit" class="button primary" disabled={isSending}>
        {act}
      </button>
    </div>
  );
}
