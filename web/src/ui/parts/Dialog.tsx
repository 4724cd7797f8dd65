import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  /** Along the window's edge instead of in its middle. */
  readonly isDrawer?: boolean;
  readonly children: ComponentChildren;
}

/**
 * A modal dialog, open while it is rendered. Escape and its button close it; the focus returns to where it
 * was.
 */
export function Dialog({ title, close, isDrawer, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>(".dialog-body :is(input:not([hidden]), button)")?.focus();
    return () => giveBack(opener);
  }, []);
  return (
    <dialog
      ref={dialog}
      class={isDrawer ? "drawer" : undefined}
      aria-labelledby={id}
      onCancel={(cancel) => {
        cancel.preventDefault();
        close();
      }}
    >
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="button quiet" aria-label="Close" onClick={close}>
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}

/** Where the element that opened the dialog is gone, the focus goes to one named for that. */
function giveBack(opener: Element | null): void {
  const wanted = opener instanceof HTMLElement && opener !== document.body && opener.isConnected;
  const target = wanted ? opener : document.querySelector<HTMLElement>("[data-after-dialog]");
  target?.focus();
}
