import type { DeviceRest } from "../../../live/deviceRest";
import type { Session } from "../../../live/rest";
import { stretch } from "../../../paint/format";
import { usePage } from "../../page";
import { Failure, Field, Form, useSending } from "../../parts/forms";
import { Loaded } from "../../parts/Loaded";
import { NoteRecord } from "./NoteRecord";
import { useNotes } from "./useNotes";

const TEXT_MAX = 2_000;

interface NotesProps {
  readonly rest: DeviceRest;
  readonly me: Session;
  readonly mayWrite: boolean;
}

/** What people wrote on a device's timeline, live, and a form to write more. */
export function NotesSection({ rest, me, mayWrite }: NotesProps) {
  const { newest, noteChange, listed, older } = useNotes(rest);
  const { failure, isSending, send } = useSending();
  return (
    <>
      <div class="section-head">
        <h3>Notes</h3>
      </div>
      {mayWrite && (
        <NoteForm
          write={async (text, at, until) =>
            noteChange({ event: "added", note: await rest.addNote(text, at, until) })
          }
        />
      )}
      <Loaded of={newest}>
        {() =>
          listed.length === 0 ? (
            <p class="message">Nobody has written anything on this device yet.</p>
          ) : (
            <ul class="records" aria-label="Notes">
              {listed.map((note) => (
                <NoteRecord
                  key={note.id}
                  of={note}
                  rest={rest}
                  isOwn={mayWrite && note.person && note.by === me.name}
                  changed={noteChange}
                />
              ))}
            </ul>
          )
        }
      </Loaded>
      <Failure reason={failure} />
      {older && (
        <button type="button" class="button" disabled={isSending} onClick={() => void send(older)}>
          Older notes
        </button>
      )}
    </>
  );
}

function NoteForm(props: {
  write: (text: string, at: number | null, until: number | null) => Promise<void>;
}) {
  const page = usePage();
  const { failure, isSending, send } = useSending();
  const { range } = page.route.value;
  return (
    <Form
      label="Write a note"
      submit={async (field, form) => {
        const about = field("about");
        const [at, until] =
          about === "now"
            ? [page.viewNow(), null]
            : about === "range" && range
              ? [range.from, range.to]
              : [null, null];
        if (await send(() => props.write(field("text"), at, until))) form.reset();
      }}
    >
      <Field
        label="Note"
        name="text"
        required
        maxLength={TEXT_MAX}
        isLong
        hint="@name tells that person, here or on their return."
      />
      <Failure reason={failure} />
      <div class="send-foot">
        <label class="tick">
          <span>About</span>
          <select name="about" class="field">
            <option value="">the device</option>
            <option value="now">this moment</option>
            {range && <option value="range">{stretch(range.from, range.to)}</option>}
          </select>
        </label>
        <span class="grow" />
        <button type="submit" class="button primary" disabled={isSending}>
          Write
        </button>
      </div>
    </Form>
  );
}
