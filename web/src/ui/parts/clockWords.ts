import { span } from "../../paint/format";

/** How far a clock was set: "3 d ahead", "5 s back". */
export function stepWords(byMs: number): string {
  // Rounded: three days less a millisecond are not two days.
  return `${span(Math.round(Math.abs(byMs) / 1000) * 1000)} ${byMs > 0 ? "ahead" : "back"}`;
}
