const FIRST_MS = 500;
const MOST_MS = 30_000;

/**
 * How long to wait before attempt number `attempt` (0 is the first after a loss). With full jitter, anything
 * from zero to the cap, so that a thousand pages that lost the same hub do not all return at the same moment.
 * @param random gives a number in [0, 1)
 */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
}
