// The peers in their fastest settings with the same thresholds: no timeouts, no percentiles, no snapshots.
import { type CircuitBreakerPolicy, circuitBreaker, ConsecutiveBreaker, handleAll } from 'cockatiel';
import OpossumBreaker from 'opossum';
import { FAILURE_THRESHOLD, FAILURE_WINDOW_MS, OPEN_DURATION_MS } from './endpoint.ts';

const settled = Promise.resolve(true);

/** opossum calls `then` on what an action returns: a promise that is settled already is the cheapest no-op. */
export function createOpossum(action: () => Promise<boolean> = () => settled): OpossumBreaker<[], boolean> {
  return new OpossumBreaker(action, {
    timeout: false,
    errorThresholdPercentage: 1,
    volumeThreshold: FAILURE_THRESHOLD,
    rollingCountTimeout: FAILURE_WINDOW_MS,
    rollingPercentilesEnabled: false,
    resetTimeout: OPEN_DURATION_MS,
    enableSnapshots: false,
  });
}

/** Counts failures in a row: the cheapest of cockatiel's breakers, for it keeps no window. */
export function createCockatiel(): CircuitBreakerPolicy {
  return circuitBreaker(handleAll, {
    halfOpenAfter: OPEN_DURATION_MS,
    breaker: new ConsecutiveBreaker(FAILURE_THRESHOLD),
  });
}

export class Outage extends Error {
  override readonly name = 'Outage';
}

/** Fails a breaker's action until it opens. @returns how many failures it took */
export async function fail(execute: () => Promise<unknown>, isOpen: () => boolean): Promise<number> {
  for (let failures = 0; failures <= 2 * FAILURE_THRESHOLD; failures++) {
    if (isOpen()) return failures;
    try {
      await execute();
    } catch (error) {
      if (!(error instanceof Outage)) throw error;
    }
  }
  throw new Error(`not open after ${2 * FAILURE_THRESHOLD} failures, expected ${FAILURE_THRESHOLD}`);
}
