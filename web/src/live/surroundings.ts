import type { Clock } from "./clock";
import type { Socket } from "./connection";
import type { Rest } from "./rest";

/** What comes from outside; tests hand in their own. */
export interface LiveSurroundings {
  readonly clock: Clock;
  /** The browser's own time, milliseconds UTC. */
  readonly wallNow: () => number;
  readonly random: () => number;
  readonly openSocket: () => Socket;
  readonly rest: Rest;
  /** Loads the page anew: nothing of what it holds is for whoever comes next. */
  readonly startOver: () => void;
  readonly leaveFor: (address: string) => void;
}
