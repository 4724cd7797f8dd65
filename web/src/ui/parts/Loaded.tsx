import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

type LoadState<T> =
  | { readonly kind: "loading" }
  | { readonly kind: "ready"; readonly value: T }
  | { readonly kind: "failed"; readonly reason: string };

export interface Loadable<T> {
  readonly state: LoadState<T>;
  readonly reload: () => Promise<void>;
}

/** Asks once, and again on `reload`; what was there stays in view meanwhile. */
export function useLoaded<T>(load: () => Promise<T>): Loadable<T> {
  const [state, setState] = useState<LoadState<T>>({ kind: "loading" });
  const asked = useRef(0);
  const ask = useRef(load);
  ask.current = load;
  const reload = useCallback(async () => {
    const turn = ++asked.current;
    let found: LoadState<T>;
    try {
      found = { kind: "ready", value: await ask.current() };
    } catch (error) {
      found = { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
    }
    if (turn === asked.current) setState(found);
  }, []);
  useEffect(() => {
    void reload();
    return () => {
      asked.current++;
    };
  }, [reload]);
  return { state, reload };
}

/** What was loaded, or what to say until then. */
export function Loaded<T>(props: { of: Loadable<T>; children: (value: T) => ComponentChildren }) {
  const { state, reload } = props.of;
  if (state.kind === "loading") return <p class="message loading">Loading</p>;
  if (state.kind === "ready") return <>{props.children(state.value)}</>;
  return (
    <div class="message" role="alert">
      <p>{state.reason}</p>
      <button type="button" class="button" onClick={() => void reload()}>
        Try again
      </button>
    </div>
  );
}
