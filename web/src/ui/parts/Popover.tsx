import type { ComponentChildren, TargetedToggleEvent } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { isPhone } from "../page";

interface PopoverProps {
  /** The name of what it opens. */
  readonly title: string;
  /** What the button says. */
  readonly button: ComponentChildren;
  readonly children: ComponentChildren;
  readonly buttonClass?: string;
  /** On a phone it begins at the left edge, where there is room for it. */
  readonly isWide?: boolean;
}

/** Pixels between the button and what it opens, and between that and the window's edge. */
const GAP = 6;

/**
 * A button with a small panel below it. Escape or a click elsewhere closes it; its content exists only while
 * open.
 */
export function Popover({ title, button, children, buttonClass = "button", isWide = false }: PopoverProps) {
  const id = useId();
  const opener = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const opens = ({ newState }: TargetedToggleEvent<HTMLDivElement>) => {
    if (newState !== "open") return;
    setOpen(true);
    if (opener.current && panel.current) place(panel.current, opener.current, isWide && isPhone());
  };
  // Removed only now: the browser gives the focus back from what is in it.
  const closed = ({ newState }: TargetedToggleEvent<HTMLDivElement>) => {
    if (newState === "closed") setOpen(false);
  };
  return (
    <>
      <button ref={opener} type="button" class={buttonClass} popovertarget={id} aria-expanded={isOpen}>
        {button}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        class="popover"
        role="dialog"
        aria-label={title}
        onBeforeToggle={opens}
        onToggle={closed}
      >
        {isOpen && children}
      </div>
    </>
  );
}

/** Below the button, within the window. */
function place(panel: HTMLElement, opener: HTMLElement, isAtEdge: boolean): void {
  const { bottom, left, right } = opener.getBoundingClientRect();
  panel.style.maxHeight = `${innerHeight - bottom - 2 * GAP}px`;
  panel.style.top = `${bottom + GAP}px`;
  if (isAtEdge) {
    panel.style.left = panel.style.right = `${GAP}px`;
    return;
  }
  const isRight = left + right > innerWidth;
  panel.style.left = isRight ? "auto" : `${Math.max(GAP, left)}px`;
  panel.style.right = isRight ? `${Math.max(GAP, document.documentElement.clientWidth - right)}px` : "auto";
}
