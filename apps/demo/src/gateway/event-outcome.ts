// How an event that the buffer has accepted ends, as it travels in a ticket: a number of five bits.
import type { GuardedResult } from './guard.ts';

/** `lost`: the worker that delivered it died; nobody knows whether the upstream has it. */
export type EventOutcome = GuardedResult | 'lost';

const OUTCOMES: readonly EventOutcome[] = [
  'delivered',
  'refused',
  'unreachable',
  'cut',
  'timed out',
  'open',
  'probing',
  'lost',
];

export function outcomeCode(outcome: EventOutcome): number {
  return OUTCOMES.indexOf(outcome);
}

export function outcomeOf(code: number): EventOutcome {
  const outcome = OUTCOMES[code];
  if (outcome === undefined)
    throw new RangeError(`outcome ${code} of a ticket: expected 0 to ${OUTCOMES.length - 1}`);
  return outcome;
}
