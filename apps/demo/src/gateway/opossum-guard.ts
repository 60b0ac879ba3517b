// For comparison only: what a Node service has without shared state, one breaker for each endpoint on each worker. opossum with its
// options tuned to the same policy: as many failures within the window open it (its own percentages are switched off, since they count
// successes of before the outage against it), it stays open as long, and it is told of no time-out, because the delivery has one.
//
// Differences that its design makes: one probe at a time in place of three, any success closes it, and no rate limit.
import { Recorded } from '@corelane/atomic-state';
import CircuitBreaker from 'opossum';
import { monotonicMs } from '../monotonic.ts';
import type { Books } from './books.ts';
import type { Delivery, DeliveryResult, Event } from './delivery.ts';
import type { Guard, GuardedResult, Transition } from './guard.ts';
import type { Settings } from './options.ts';

class NotDelivered extends Error {
  readonly result: DeliveryResult;

  constructor(result: DeliveryResult) {
    super(result);
    this.result = result;
  }
}

type Breaker = CircuitBreaker<[Event], DeliveryResult>;

export interface OpossumGuardParts {
  readonly settings: Settings;
  readonly delivery: Delivery;
  readonly books: Books;
  readonly onTransition: (transition: Transition) => void;
}

export class OpossumGuard implements Guard {
  readonly #parts: OpossumGuardParts;
  readonly #breakers = new Map<number, Breaker>();

  constructor(parts: OpossumGuardParts) {
    this.#parts = parts;
  }

  /** The word of the endpoint has no limits here: what counts is the breaker of the worker that delivers. */
  async send(endpoint: number, _admission: number, event: Event): Promise<GuardedResult> {
    const { books } = this.#parts;
    const breaker = this.#breakerOf(endpoint);
    const isProbe = breaker.halfOpen && breaker.pendingClose;
    if (!breaker.closed && !isProbe) return breaker.halfOpen ? 'probing' : 'open';
    if (isProbe) {
      books.probes.inc();
      event.headers['x-breaker-probe'] = '1';
    }
    let result: DeliveryResult;
    try {
      result = await breaker.fire(event);
    } catch (error) {
      if (!(error instanceof NotDelivered)) throw error;
      ({ result } = error);
    }
    books.call(result);
    return result;
  }

  #breakerOf(endpoint: number): Breaker {
    let breaker = this.#breakers.get(endpoint);
    if (breaker === undefined) {
      breaker = this.#make(endpoint);
      this.#breakers.set(endpoint, breaker);
    }
    return breaker;
  }

  #make(endpoint: number): Breaker {
    const { settings, delivery, books, onTransition } = this.#parts;
    const { failureThreshold = 5, failureWindowMs = 60_000, resetTimeout = 30_000 } = settings.breaker;
    const breaker: Breaker = new CircuitBreaker(
      async (event: Event) => {
        const wasClosed = breaker.closed;
        const result = await delivery.send(event);
        if (wasClosed && !breaker.closed) books.late.inc();
        if (result !== 'delivered') throw new NotDelivered(result);
        return result;
      },
      {
        timeout: false,
        errorThresholdPercentage: 100,
        rollingCountTimeout: failureWindowMs,
        resetTimeout,
        enableSnapshots: false,
        rollingPercentilesEnabled: false,
      },
    );
    let wasHalfOpen = false;
    const changed = (what: Transition['what'], outcome: Parameters<Books['record']>[0]): void => {
      books.record(outcome);
      onTransition({ endpoint, what, atMs: monotonicMs() });
    };
    breaker.on('failure', () => {
      if (breaker.closed && breaker.stats.failures >= failureThreshold) breaker.open();
    });
    breaker.on('halfOpen', () => (wasHalfOpen = true));
    breaker.on('open', () => {
      if (wasHalfOpen) changed('reopened', Recorded.Reopened);
      else changed('tripped', Recorded.Tripped);
      wasHalfOpen = false;
    });
    breaker.on('close', () => {
      if (wasHalfOpen) changed('closed', Recorded.Closed);
      wasHalfOpen = false;
    });
    return breaker;
  }
}
