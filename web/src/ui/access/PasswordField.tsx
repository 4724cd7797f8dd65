import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import style from "../../styles/access.css?inline";
import { adoptStyle } from "../parts/adoptStyle";

adoptStyle(style);

interface PasswordFieldProps {
  readonly label: string;
  readonly name: string;
  /** What a password manager does with it. */
  readonly kind: "current-password" | "new-password";
  readonly hint?: string;
  readonly minLength?: number;
  /** What it has to be the same as. */
  readonly mustBe?: string;
  readonly onInput?: (text: string) => void;
}

/** A password: hidden until one wants to see it, and it says when Caps Lock is on. */
export function PasswordField({ label, kind, hint, mustBe, onInput, ...input }: PasswordFieldProps) {
  const id = useId();
  const [isShown, setShown] = useState(false);
  const [isCaps, setCaps] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const compare = () => {
    const isOther = mustBe !== undefined && field.current?.value !== mustBe;
    field.current?.setCustomValidity(isOther ? "The two passwords differ." : "");
  };
  useLayoutEffect(compare, [mustBe]);
  const look = (press: KeyboardEvent) => setCaps(press.getModifierState("CapsLock"));
  return (
    <div class="form-field">
      <label for={id}>{label}</label>
      <div class="password">
        <input
          {...input}
          ref={field}
          id={id}
          class="field"
          type={(isShown ? "text" : "password") as "password"}
          autocomplete={kind}
          autocapitalize="none"
          spellcheck={false}
          required
          aria-describedby={`${id}-said`}
          onInput={(typed) => {
            compare();
            onInput?.(typed.currentTarget.value);
          }}
          onKeyDown={look}
          onKeyUp={look}
          onBlur={() => setCaps(false)}
        />
        <button
          type="button"
          class="button"
          aria-pressed={isShown}
          aria-label={`Show ${label.toLowerCase()}`}
          onClick={() => setShown(!isShown)}
        >
          Show
        </button>
      </div>
      <span id={`${id}-said`} class="small">
        {hint}
      </span>
      <span role="status" class="caps-lock">
        {isCaps && "Caps Lock is on."}
      </span>
    </div>
  );
}

/** A password as it was typed: `Form` trims what it hands on, and spaces at the ends of a password count. */
export function typedPassword(form: HTMLFormElement, name: string): string {
  return String(new FormData(form).get(name) ?? "");
}
