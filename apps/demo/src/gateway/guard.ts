// The port between the intake and whatever decides whether an endpoint is called: the shared state words, or what they are compared with.
import type { DeliveryResult, Event } from './delivery.ts';

export type GuardedResult = DeliveryResult | 'open' | 'probing' | 'throttled' | 'overloaded';

export interface Guard {
  /** Calls the upstream where the endpoint admits it. Never rejects. */
  send(endpoint: number, event: Event): Promise<GuardedResult>;
}

/** A change of a breaker's state, as the thread that brought it about saw it. */
export interface Transition {
  readonly endpoint: number;
  readonly what: 'tripped' | 'closed' | 'reopened';
  /** Taken just before the change, on the machine's monotonic clock: nothing after the change is older. */
  readonly atMs: number;
}
