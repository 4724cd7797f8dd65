import { useMemo, useState } from "preact/hooks";
import { type MadeLink, PeopleRest, type Person } from "../../live/peopleRest";
import { usePage } from "../page";
import { Failure, useSending } from "../parts/forms";
import { Loaded, useLoaded } from "../parts/Loaded";
import { TypedConfirm } from "../parts/TypedConfirm";
import { Ago } from "./Ago";
import { grantWords } from "./grantWords";
import { AddPerson, ChangeGrants, LinkDialog, WaysIn } from "./PersonDialogs";

type PeopleTask =
  | { readonly kind: "grants" | "ways" | "remove"; readonly person: Person }
  | { readonly kind: "add" }
  | { readonly kind: "link"; readonly name: string; readonly made: MadeLink };

/** Who may use the hub, and what each may. */
export function PeopleView() {
  const page = usePage();
  const rest = useMemo(() => new PeopleRest(page.live.rest), [page]);
  const people = useLoaded(() => rest.people());
  const [task, setTask] = useState<PeopleTask | null>(null);
  const { failure, send } = useSending();
  const close = () => setTask(null);
  const done = async () => {
    await people.reload();
    close();
  };
  const link = async (name: string) => {
    const isMade = await send(async () => {
      await people.reload();
      setTask({ kind: "link", name, made: await rest.makeLink(name) });
    });
    if (!isMade) close();
  };
  const remove = async (name: string) => {
    await rest.remove(name);
    await done();
  };
  return (
    <>
      <div class="section-head">
        <p class="small">What they may counts at once, in pages that are open, too.</p>
        <button
          type="button"
          class="button primary"
          data-after-dialog
          onClick={() => setTask({ kind: "add" })}
        >
          Add a person
        </button>
      </div>
      <Failure reason={failure} />
      <Loaded of={people}>
        {(found) => (
          <ul class="records" aria-label="People">
            {found.map((person) => (
              <PersonRecord
                key={person.name}
                of={person}
                begin={(kind) => setTask({ kind, person })}
                link={() => void link(person.name)}
              />
            ))}
          </ul>
        )}
      </Loaded>
      {task?.kind === "add" && <AddPerson rest={rest} close={close} done={done} link={link} />}
      {task?.kind === "grants" && <ChangeGrants rest={rest} person={task.person} close={close} done={done} />}
      {task?.kind === "ways" && <WaysIn rest={rest} person={task.person} close={close} done={done} />}
      {task?.kind === "link" && <LinkDialog name={task.name} made={task.made} close={close} />}
      {task?.kind === "remove" && (
        <TypedConfirm
          title={`Remove ${task.person.name}?`}
          word={task.person.name}
          run={() => remove(task.person.name)}
          close={close}
        >
          <p>
            Their sessions, links and tokens end at once. What they did stays in the audit; devices, and what
            they set of them, stay as they are.
          </p>
        </TypedConfirm>
      )}
    </>
  );
}

/** By what somebody comes in: "has a password, 2 passkeys". */
function waysWords({ issuer, has_password, passkeys }: Person): string {
  if (issuer !== null) return `comes by ${issuer}, which says what they may`;
  const ways = [
    has_password && "a password",
    passkeys.length > 0 && (passkeys.length === 1 ? "a passkey" : `${passkeys.length} passkeys`),
  ].filter(Boolean);
  return ways.length > 0 ? `has ${ways.join(", ")}` : "comes by one-time links";
}

interface PersonRecordProps {
  readonly of: Person;
  readonly begin: (kind: "grants" | "ways" | "remove") => void;
  readonly link: () => void;
}

function PersonRecord({ of: person, begin, link }: PersonRecordProps) {
  const page = usePage();
  const { name } = person;
  const isOwn = page.live.session.value?.name === name;
  return (
    <li class="record person">
      <div class="person-facts">
        <strong>{name}</strong> {isOwn && <span class="small">you</span>}
        <p>{person.grants.map(grantWords).join("; ") || "may not come in at present"}</p>
        <p class="small">
          Added <Ago time={person.created_at} none="" />
          {" · "}
          {waysWords(person)}
        </p>
      </div>
      <div class="record-tasks">
        {person.issuer === null && (
          <>
            <button
              type="button"
              class="button"
              aria-label={`Change ${name}`}
              onClick={() => begin("grants")}
            >
              Change
            </button>
            <button type="button" class="button" aria-label={`Link for ${name}`} onClick={link}>
              Link
            </button>
            <button
              type="button"
              class="button"
              aria-label={`Password of ${name}`}
              onClick={() => begin("ways")}
            >
              Password
            </button>
          </>
        )}
        <button
          type="button"
          class="button danger"
          aria-label={`Remove ${name}`}
          onClick={() => begin("remove")}
        >
          Remove
        </button>
      </div>
    </li>
  );
}
