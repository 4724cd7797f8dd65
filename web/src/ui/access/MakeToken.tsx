import { useState } from "preact/hooks";
import type { MadeToken, NewToken, PeopleRest } from "../../live/peopleRest";
import type { Session } from "../../live/rest";
import { type Right, ROLES, type Role } from "../../live/rights";
import { usePage } from "../page";
import { Dialog } from "../parts/Dialog";
import { Failure, Field, Form, useSending } from "../parts/forms";
import { Picker } from "../parts/Picker";
import { GrantFields } from "./GrantFields";
import { draftOf, type GrantDraft, grantOf, NEW_GRANT } from "./grantDraft";

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const SPANS: readonly (readonly [seconds: number, words: string])[] = [
  [HOUR_S, "1 hour"],
  [DAY_S, "1 day"],
  [30 * DAY_S, "30 days"],
  [90 * DAY_S, "90 days"],
  [365 * DAY_S, "1 year"],
];
const USUAL_S = 90 * DAY_S;
const RIGHT_WORD: Readonly<Record<Right, string>> = {
  "devices:read": "devices, latest values, attributes",
  "history:read": "history, export",
  "live:read": "live readings",
  "metrics:scrape": "figures of the hub, for Prometheus",
  "raw:read": "what was refused, what is in commands",
  "commands:write": "commands, attributes, settings of metrics",
  "notes:write": "notes",
  "devices:write": "add, change and remove devices",
  "keys:write": "keys of devices",
  "rules:write": "rules",
  "import:write": "import",
  "people:write": "people and tokens",
  "system:write": "backups",
};

interface MakeTokenProps {
  readonly rest: PeopleRest;
  readonly close: () => void;
  readonly made: (token: MadeToken) => Promise<void>;
}

/** A token for a program: no more than one may oneself, and as little as it needs. */
export function MakeToken({ rest, close, made }: MakeTokenProps) {
  const page = usePage();
  const session = page.live.session.value;
  const [draft, setDraft] = useState<GrantDraft>(() => firstDraft(session));
  const [left, setLeft] = useState<ReadonlySet<Right>>(new Set());
  const [kind, setKind] = useState<NewToken["kind"]>("opaque");
  const { failure, isSending, send } = useSending();
  const offered = session?.roles[draft.role] ?? [];
  const rights = offered.filter((right) => !left.has(right));
  const submit = (field: (name: string) => string) =>
    send(async () => {
      const { role, scope } = grantOf(draft);
      if (rights.length === 0) throw new Error("A token needs one right at least.");
      const wanted: NewToken = {
        name: field("name"),
        role,
        kind,
        ttl_s: kind === "jwt" ? HOUR_S : Number(field("ttl")),
        ...(scope && { scope }),
        ...(rights.length < offered.length && { rights }),
      };
      await made(await rest.makeToken(wanted));
    });
  return (
    <Dialog title="Make a token" close={close}>
      <Form submit={submit}>
        <Field label="Name" name="name" required maxLength={100} placeholder="wall display" />
        <GrantFields
          draft={draft}
          change={(change) => setDraft({ ...draft, ...change })}
          roles={rolesUpTo(session?.role)}
          mayBeWholeHub={session?.grants.some(({ scope }) => scope === null) ?? false}
        />
        <RightFields offered={offered} left={left} leave={setLeft} />
        <Picker
          legend="It is"
          name="kind"
          options={["opaque", "jwt"]}
          chosen={kind}
          word={(option) => (option === "opaque" ? "For a program" : "JWT, to embed")}
          choose={setKind}
        />
        {kind === "jwt" ? <p class="small">It ends after one hour.</p> : <EndField />}
        <Failure reason={failure} />
        <div class="dialog-foot">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={isSending}>
            Make
          </button>
        </div>
      </Form>
    </Dialog>
  );
}

/** As much as one may oneself, but only to look. */
function firstDraft(session: Session | null): GrantDraft {
  const own = session?.grants ?? [];
  const [first] = own;
  if (!first || own.some(({ scope }) => scope === null)) return NEW_GRANT;
  return { ...draftOf(first), role: "viewer" };
}

function rolesUpTo(role: Session["role"] | undefined): readonly Role[] {
  const most = (ROLES as readonly string[]).indexOf(role ?? "");
  return most === -1 ? ROLES : ROLES.slice(0, most + 1);
}

interface RightFieldsProps {
  readonly offered: readonly Right[];
  readonly left: ReadonlySet<Right>;
  readonly leave: (left: ReadonlySet<Right>) => void;
}

/** What the role may; what is not ticked is left out. */
function RightFields({ offered, left, leave }: RightFieldsProps) {
  const toggle = (right: Right) => {
    const next = new Set(left);
    if (!next.delete(right)) next.add(right);
    leave(next);
  };
  const some = offered.filter((right) => left.has(right)).length;
  return (
    <details class="folded">
      <summary>{some === 0 ? "With all rights of the role" : `Without ${some} of the role's rights`}</summary>
      <fieldset class="choices">
        <legend class="unseen">Rights</legend>
        {offered.map((right) => (
          <label key={right} class="choice">
            <input type="checkbox" checked={!left.has(right)} onChange={() => toggle(right)} />
            <span>
              <code>{right}</code> <span class="small">{RIGHT_WORD[right]}</span>
            </span>
          </label>
        ))}
      </fieldset>
    </details>
  );
}

function EndField() {
  return (
    <div class="form-field">
      <label for="token-ttl">It ends after</label>
      <select id="token-ttl" name="ttl" class="field">
        {SPANS.map(([seconds, words]) => (
          <option key={seconds} value={String(seconds)} selected={seconds === USUAL_S}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
