import { useState } from "preact/hooks";
import { PasswordField } from "./PasswordField";

/** As the hub wants it (hub/people/passwords.py): long, and of any characters. */
const LEAST = 12;

/** A new password, typed twice, with a word on whether the two are the same. Its field is "new". */
export function NewPassword() {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const isSame = first === second;
  return (
    <div class="fields passwords">
      <PasswordField
        label="New password"
        name="new"
        kind="new-password"
        minLength={LEAST}
        hint={`${LEAST} characters or more, of any kind${first ? `: ${[...first].length} so far` : ""}.`}
        onInput={setFirst}
      />
      <div>
        <PasswordField
          label="The same again"
          name="again"
          kind="new-password"
          mustBe={first}
          onInput={setSecond}
        />
        <span role="status" class="small" data-good={isSame}>
          {second !== "" && (isSame ? "✓ They are the same." : "They differ.")}
        </span>
      </div>
    </div>
  );
}
