// A call to the upstream for an event that the event buffer has accepted, recorded in the state word of its endpoint. An event that was
// accepted before the breaker opened is not sent: its call would go to an upstream that is known to be dead.
import { isProbe, Recorded, type StateMachine } from '@corelane/atomic-state';
import { monotonicMs } from '../monotonic.ts';
import type { Books } from './books.ts';
import type { Delivery, DeliveryResult, Event } from './delivery.ts';
import type { Guard, GuardedResult, Transition } from './guard.ts';
import type { WordBook } from './word-book.ts';

export interface WordGuardParts {
  readonly machine: StateMachine;
  readonly delivery: Delivery;
  readonly wordBook: WordBook;
  readonly books: Books;
  readonly onTransition: (transition: Transition) => void;
}

export class WordGuard implements Guard {
  readonly #parts: WordGuardParts;

  constructor(parts: WordGuardParts) {
    this.#parts = parts;
  }

  async send(endpoint: number, admission: number, event: Event): Promise<GuardedResult> {
    const { machine, delivery, books } = this.#parts;
    if (!machine.isCurrent(endpoint, admission)) return 'open';
    if (isProbe(admission)) {
      books.probes.inc();
      event.headers['x-breaker-probe'] = '1';
    }
    const startMs = machine.clock.now();
    const result = await delivery.send(event);
    this.#record(endpoint, admission, result, Math.max(0, (machine.clock.now() - startMs) | 0));
    return result;
  }

  #record(endpoint: number, admission: number, result: DeliveryResult, durationMs: number): void {
    const { machine, books, wordBook, onTransition } = this.#parts;
    const ok = result === 'delivered';
    const atMs = monotonicMs();
    const outcome = machine.recordDelivery(endpoint, ok, admission, durationMs);
    wordBook.enter(endpoint, ok, admission, outcome);
    books.call(result);
    books.record(outcome);
    switch (outcome) {
      case Recorded.Counted:
        return;
      case Recorded.Stale:
        if (!isProbe(admission)) books.late.inc();
        return;
      case Recorded.Tripped:
        onTransition({ endpoint, what: 'tripped', atMs });
        return;
      case Recorded.Closed:
        onTransition({ endpoint, what: 'closed', atMs });
        return;
      case Recorded.Reopened:
        onTransition({ endpoint, what: 'reopened', atMs });
    }
  }
}
