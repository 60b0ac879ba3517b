// What workers tell their owner of polls: few at a time, since each is a message.
import type { TierEvent, ViolationEvent } from '../budgets/channels.ts';
import { publishTier, publishViolation } from '../budgets/tell-poll.ts';
import { TIERS, type Tier } from '../budgets/tier-table.ts';

/** Between threads. */
export type WatchEvent =
  | { readonly kind: 'tier'; readonly event: TierEvent }
  | { readonly kind: 'violation'; readonly event: ViolationEvent };

export interface WatchMessage {
  readonly type: '@corelane/scheduler/watch';
  readonly event: WatchEvent;
}

/** Events that a worker tells of in so many milliseconds, at most; the rest is counted. Guessed. */
const MOST = 20;
const WINDOW_MS = 100;

/** In a worker. What happens is published on its own channels, and told to the owner. */
export class EventPost {
  readonly #send: (message: WatchMessage) => void;
  #windowMs = -Infinity;
  #sent = 0;
  /** Events that were too many. */
  unsaid = 0;

  constructor(send: (message: WatchMessage) => void) {
    this.#send = send;
  }

  post(event: WatchEvent, nowMs: number): void {
    publish(event);
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs;
      this.#sent = 0;
    }
    // A change of tier is never left out: it happens once in `promotionHysteresisMs` of a task.
    if (event.kind === 'tier' || this.#sent < MOST) {
      this.#sent++;
      this.#send({ type: '@corelane/scheduler/watch', event });
    } else this.unsaid++;
  }
}

/** On the channels of this thread. */
export function publish(event: WatchEvent): void {
  if (event.kind === 'tier') publishTier(event.event);
  else publishViolation(event.event);
}

export function tierNamed(tier: number): Tier {
  return TIERS[tier] as Tier;
}
