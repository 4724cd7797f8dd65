import { type ComponentChildren, type ComponentType, Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";

type LazyState<Props> =
  | { readonly kind: "loading" }
  | { readonly kind: "ready"; readonly Room: ComponentType<Props> }
  | { readonly kind: "failed"; readonly isReplaced: boolean };

/** A part of the page that is loaded later. `ahead` loads it before it is opened, or fails without a word. */
type Lazy<Props> = ComponentType<Props> & { readonly ahead: () => Promise<void> };

/**
 * A part of the page that is loaded when it is first opened, so that the first view stays small.
 * @param load imports it: `() => import("./Room").then((room) => room.Room)`
 * @param Frame wraps the message that is shown until it is loaded, such as a dialog
 */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  Frame: ComponentType<{ children: ComponentChildren }> = Fragment,
): Lazy<Props> {
  let known: LazyState<Props> = { kind: "loading" };
  const fetchRoom = async () => {
    known = { kind: "ready", Room: await load() };
  };
  function Room(props: Props) {
    const [state, setState] = useState(known);
    const begin = async () => {
      setState({ kind: "loading" });
      try {
        await fetchRoom();
        setState(known);
      } catch {
        setState({ kind: "failed", isReplaced: await isReplaced() });
      }
    };
    useEffect(() => {
      if (state.kind === "loading") void begin();
    }, []);
    if (state.kind === "ready") return <state.Room {...props} />;
    return (
      <Frame>
        {state.kind === "loading" ? (
          <p class="message loading" role="status">
            Loading
          </p>
        ) : (
          <Failed isReplaced={state.isReplaced} again={begin} />
        )}
      </Frame>
    );
  }
  return Object.assign(Room, { ahead: () => fetchRoom().catch(() => {}) });
}

/** Offers another attempt or, where the hub serves a newer page by now, that page. */
function Failed({ isReplaced, again }: { isReplaced: boolean; again: () => Promise<void> }) {
  return (
    <div class="message" role="alert">
      <p>
        {isReplaced
          ? "The hub was upgraded since this page was opened."
          : "This part of the page did not load."}
      </p>
      {isReplaced ? (
        <button type="button" class="button primary" onClick={() => location.reload()}>
          Reload the page
        </button>
      ) : (
        <button type="button" class="button" onClick={() => void again()}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Whether the hub serves another page than this one: the names of scripts depend on their content. */
async function isReplaced(): Promise<boolean> {
  try {
    const answer = await fetch("./", { cache: "no-store", credentials: "same-origin" });
    const [script = ""] = new URL(import.meta.url).pathname.split("/").slice(-1);
    return answer.ok && !(await answer.text()).includes(script);
  } catch {
    return false;
  }
}
