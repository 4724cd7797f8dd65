import { useRef, useState } from "preact/hooks";

/** A text, and a button that copies it. `name` says what it is. */
export function Copyable({ name, text }: { name: string; text: string }) {
  const code = useRef<HTMLElement>(null);
  const [said, setSaid] = useState("");
  const copy = async () => {
    setSaid((await copied(text, code.current)) ? "Copied" : "Selected: copy it with the keyboard");
  };
  return (
    <div class="copyable">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must by the keyboard too */}
      <section class="scroll" tabIndex={0} aria-label={name}>
        <pre>
          <code ref={code}>{text}</code>
        </pre>
      </section>
      <div class="copy-line">
        <span role="status" class="small">
          {said}
        </span>
        <button type="button" class="button" aria-label={`Copy ${name}`} onClick={() => void copy()}>
          Copy
        </button>
      </div>
    </div>
  );
}

/** The clipboard is for secure pages only; elsewhere the text is at least selected. */
async function copied(text: string, shown: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown) getSelection()?.selectAllChildren(shown);
    return false;
  }
}
