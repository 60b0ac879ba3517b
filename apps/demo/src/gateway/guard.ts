// The port between who delivers events and whatever decides whether an endpoint is called: the shared state words, or what they are
// compared with.
import type { DeliveryResult, Event } from './delivery.ts';

/** `open`, `probing`: the call was not made. */
export type GuardedResult = DeliveryResult | 'open' | 'probing';

export interface Guard {
  /**
   * Calls the upstream, where the breaker of the endpoint still lets the event through. Never rejects.
   * @param admission what the event buffer accepted the event with
   */
  send(endpoint: number, admission: number, event: Event): Promise<GuardedResult>;
}

/** A change of a breaker's state, as the thread that brought it about saw it. */
export interface Transition {
  readonly endpoint: number;
  readonly what: 'tripped' | 'closed' | 'reopened';
  /** Taken just before the change, on the machine's monotonic clock: nothing after the change is older. */
  readonly atMs: number;
}
