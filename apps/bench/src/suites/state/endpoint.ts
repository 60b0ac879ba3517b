// An endpoint of a state machine as the cases use it: made in `setup`, checked at the end.
import { Recorded, StateMachine } from '@corelane/atomic-state';
import { Arena } from '@corelane/shared-memory';

/** Thresholds that every breaker of the suite gets, ours and the peers'. */
export const FAILURE_THRESHOLD = 5;
export const FAILURE_WINDOW_MS = 60_000;
/** A day: no breaker half-opens during a run. */
export const OPEN_DURATION_MS = 86_400_000;

const NAME = 'github/push';
const VERSIONS = 256;
const MAX_COUNT = 65_535;

export class BenchEndpoint implements Disposable {
  readonly arena: Arena;
  readonly machine: StateMachine;
  readonly index: number;

  constructor() {
    this.arena = Arena.create({ bytes: 1 << 20 });
    this.machine = StateMachine.create(this.arena, { endpoints: 64 });
    this.index = this.machine.endpoint(NAME, {
      failureThreshold: FAILURE_THRESHOLD,
      failureWindowMs: FAILURE_WINDOW_MS,
      resetTimeout: OPEN_DURATION_MS,
    });
  }

  /** Records failures until the breaker is open. */
  trip(): void {
    for (let failure = 1; failure <= FAILURE_THRESHOLD; failure++) {
      const outcome = this.machine.recordDelivery(this.index, false, this.machine.tryAcquire(this.index));
      const expected = failure === FAILURE_THRESHOLD ? Recorded.Tripped : Recorded.Counted;
      if (outcome !== expected)
        throw new Error(
          `failure ${failure} of ${FAILURE_THRESHOLD}: outcome ${outcome}, expected ${expected}`,
        );
    }
  }

  /** What is wrong with the word after so many successful deliveries and nothing else, or undefined. */
  checkDeliveries(deliveries: number): string | undefined {
    const found = this.machine.snapshot(this.index);
    const expected = {
      state: 'closed',
      trips: 0,
      failures: 0,
      successes: Math.min(deliveries, MAX_COUNT),
      version: deliveries % VERSIONS,
    } as const;
    return difference(found, expected);
  }

  /** What is wrong with the word of a breaker that was tripped once and has refused ever since, or undefined. */
  checkOpen(): string | undefined {
    return difference(this.machine.snapshot(this.index), {
      state: 'open',
      trips: 1,
      reopens: 0,
      failures: FAILURE_THRESHOLD,
      successes: 0,
      version: FAILURE_THRESHOLD + 1, // one for each failure, one for the trip
    });
  }

  [Symbol.dispose](): void {
    this.machine[Symbol.dispose]();
  }
}

function difference<T extends object>(found: T, expected: Partial<T>): string | undefined {
  const wrong = (Object.keys(expected) as (keyof T & string)[]).filter((key) => found[key] !== expected[key]);
  return wrong.length === 0
    ? undefined
    : wrong.map((key) => `${key} ${String(found[key])}, expected ${String(expected[key])}`).join('; ');
}
