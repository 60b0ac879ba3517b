// How long polls took, as hooks are told where one look at the clock is for several.
import type { HooksInForce, PollResult } from '../budgets/hooks.ts';
import type { Watched } from './watched.ts';

/** So many milliseconds are less than 2^31 nanoseconds. */
const MOST_SMALL_MS = 2000;

/** A poll is over that nobody has looked at the clock for: the mean of those before it. */
export function tellMean(hooks: HooksInForce, watched: Watched, result: PollResult): void {
  watched.owedMs -= watched.meanMs;
  hooks.afterPoll(result, watched.meanNs, watched);
}

/** The last poll of a group, for which somebody has: what is left of what they took. */
export function tellRest(hooks: HooksInForce, watched: Watched, result: PollResult): void {
  const ms = Math.max(0, watched.owedMs);
  watched.owedMs -= ms;
  // A whole number of up to 31 bits is no object.
  if (ms < MOST_SMALL_MS) hooks.afterPoll(result, Math.max(1, (ms * 1e6) | 0), watched);
  else hooks.afterPoll(result, ms * 1e6, watched);
}
