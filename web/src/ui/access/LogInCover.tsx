import { useLayoutEffect, useRef } from "preact/hooks";
import { LogIn } from "./LogIn";

/**
 * The log in, over a page that was in use: nobody sees what is below, and it keeps what was typed. It cannot
 * be closed.
 */
export function LogInCover() {
  const cover = useRef<HTMLDialogElement>(null);
  // Before the log in puts the focus into its form.
  useLayoutEffect(() => cover.current?.showModal(), []);
  return (
    <dialog
      ref={cover}
      class="cover"
      aria-labelledby="log-in-title"
      onCancel={(cancel) => cancel.preventDefault()}
      // Browsers let a second Escape through.
      onClose={(closed) => closed.currentTarget.showModal()}
    >
      <div class="alone">
        <LogIn />
      </div>
    </dialog>
  );
}
