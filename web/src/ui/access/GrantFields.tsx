import { useId } from "preact/hooks";
import { covers, ROLES, type Role } from "../../live/rights";
import { usePage } from "../page";
import { Picker } from "../parts/Picker";
import { type GrantDraft, grantOf } from "./grantDraft";

/** What each role may beyond the one before, in a line. */
const ROLE_MAY: Readonly<Record<Role, string>> = {
  viewer: "Sees devices, live and in history, and exports.",
  operator: "And sends commands, sets attributes and metrics, sees what was refused.",
  manager: "And adds, labels and removes devices, and their keys.",
  admin: "And people, tokens of all, and the audit: always of the whole hub.",
};
const TOLD_MAX = 5;

interface GrantFieldsProps {
  readonly draft: GrantDraft;
  readonly change: (change: Partial<GrantDraft>) => void;
  /** Those that may be given. */
  readonly roles?: readonly Role[];
  readonly mayBeWholeHub?: boolean;
}

/** A role, and the devices that it is for, with how many those are at present. */
export function GrantFields({ draft, change, roles = ROLES, mayBeWholeHub = true }: GrantFieldsProps) {
  const id = useId();
  const isAll = draft.role === "admin" || draft.isWholeHub;
  return (
    <>
      <div class="form-field">
        <label for={`${id}-role`}>Role</label>
        <select
          id={`${id}-role`}
          class="field"
          value={draft.role}
          aria-describedby={`${id}-may`}
          onChange={(chosen) => change({ role: chosen.currentTarget.value as Role })}
        >
          {roles.map((role) => (
            <option key={role} value={role}>
              {role}
            </option>
          ))}
        </select>
        <span id={`${id}-may`} class="small">
          {ROLE_MAY[draft.role]}
        </span>
      </div>
      {draft.role !== "admin" && mayBeWholeHub && (
        <Picker
          legend="For"
          name={`${id}-for`}
          options={["all", "some"]}
          chosen={isAll ? "all" : "some"}
          word={(option) => (option === "all" ? "The whole hub" : "Some devices")}
          choose={(option) => change({ isWholeHub: option === "all" })}
        />
      )}
      {!isAll && <ScopeFields id={id} draft={draft} change={change} />}
    </>
  );
}

function ScopeFields(props: { id: string; draft: GrantDraft; change: GrantFieldsProps["change"] }) {
  const { id, draft, change } = props;
  return (
    <>
      <div class="fields">
        <div class="form-field">
          <label for={`${id}-labels`}>Devices that have all of these labels</label>
          <textarea
            id={`${id}-labels`}
            class="field"
            rows={2}
            spellcheck={false}
            placeholder="site=north"
            value={draft.labels}
            onInput={(typed) => change({ labels: typed.currentTarget.value })}
          />
        </div>
        <div class="form-field">
          <label for={`${id}-devices`}>And these, by id</label>
          <textarea
            id={`${id}-devices`}
            class="field"
            rows={2}
            spellcheck={false}
            placeholder="boiler-1"
            value={draft.devices}
            onInput={(typed) => change({ devices: typed.currentTarget.value })}
          />
        </div>
      </div>
      <p role="status" class="small">
        One a line. <Covered draft={draft} />
      </p>
    </>
  );
}

/** Which devices it comes to now; labels are looked at anew whenever something is asked. */
function Covered({ draft }: { draft: GrantDraft }) {
  const page = usePage();
  page.live.fleet.structure.value;
  let scope = null;
  try {
    scope = grantOf(draft).scope;
  } catch {
    return null;
  }
  if (scope === null) return null;
  const wanted = scope;
  const found = [...page.live.fleet.listed()].filter(({ info }) => info && covers(wanted, info));
  if (found.length === 0) return <>No device is among them at present.</>;
  const names = found.slice(0, TOLD_MAX).map(({ name }) => name);
  const more = found.length - names.length;
  return (
    <>
      At present {found.length === 1 ? "that is" : `those are ${found.length}:`} {names.join(", ")}
      {more > 0 && ` and ${more} more`}.
    </>
  );
}
