import type { Presence } from "../../live/protocol";

/**
 * Presence by shape, so that it does not depend on colour: a full disc, a half disc, a ring, a dotted ring.
 * The word stands beside it wherever it is used.
 */
export function PresenceMark({ presence }: { presence: Presence }) {
  return (
    <svg class={`mark mark-${presence}`} viewBox="0 0 12 12" aria-hidden="true">
      <circle cx="6" cy="6" r="4.5" />
      {presence === "stale" && <path d="M6 1.5a4.5 4.5 0 0 1 0 9z" />}
    </svg>
  );
}
