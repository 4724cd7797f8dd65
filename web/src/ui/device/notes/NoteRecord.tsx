import { useState } from "preact/hooks";
import type { DeviceRest } from "../../../live/deviceRest";
import type { Note, NoteChange } from "../../../live/note";
import { moment, stretch } from "../../../paint/format";
import { usePage } from "../../page";
import { Confirm } from "../../parts/Confirm";
import { Failure, Field, Form, useSending } from "../../parts/forms";
import { hashOf, type Range } from "../../route";

/** What is shown before and after the moment that a note is about. */
const AROUND_MS = 5 * 60_000;

interface NoteProps {
  readonly of: Note;
  readonly rest: DeviceRest;
  readonly isOwn: boolean;
  readonly changed: (change: NoteChange) => void;
}

/** One note: who wrote it and when, and what it is about; one's own can be changed and deleted. */
export function NoteRecord({ of: note, rest, isOwn, changed }: NoteProps) {
  const page = usePage();
  const { failure, isSending, send } = useSending();
  const [isEditing, setEditing] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const edit = async (text: string) => {
    const save = async () => changed({ event: "edited", note: await rest.editNote(note.id, text) });
    if (await send(save)) setEditing(false);
  };
  const remove = async () => {
    await rest.deleteNote(note.id);
    changed({ event: "deleted", note });
  };
  return (
    <li class="record">
      <div class="record-head">
        <strong>{note.by}</strong>
        <span class="small">
          {!note.person && "program, "}
          {moment(note.made_at)}
          {note.edited_at !== null && `, edited ${moment(note.edited_at)}`}
        </span>
        {note.at !== null && (
          <a
            class="small"
            href={hashOf({ ...page.route.value, section: "readings", range: rangeOf(note.at, note.until) })}
          >
            {note.until === null ? `about ${moment(note.at)}` : `about ${stretch(note.at, note.until)}`}
          </a>
        )}
        <span class="grow" />
        {isOwn && !isEditing && (
          <>
            <button type="button" class="button" onClick={() => setEditing(true)}>
              Edit
            </button>
            <button type="button" class="button" onClick={() => setAsking(true)}>
              Delete
            </button>
          </>
        )}
      </div>
      {isEditing ? (
        <Form label="Change the note" submit={(field) => edit(field("text"))}>
          <Field label="Note" name="text" required isLong defaultValue={note.text} />
          <Failure reason={failure} />
          <div class="send-foot">
            <span class="grow" />
            <button type="button" class="button" onClick={() => setEditing(false)}>
              Cancel
            </button>
            <button type="submit" class="button primary" disabled={isSending}>
              Save
            </button>
          </div>
        </Form>
      ) : (
        <p class="wrapped">{note.text}</p>
      )}
      {isAsking && (
        <Confirm
          title="Delete this note?"
          text="It is gone for everybody."
          act="Delete"
          run={remove}
          close={() => setAsking(false)}
        />
      )}
    </li>
  );
}

function rangeOf(at: number, until: number | null): Range {
  return {
    from: Math.round(until === null ? at - AROUND_MS : at),
    to: Math.round(until ?? at + AROUND_MS),
  };
}
