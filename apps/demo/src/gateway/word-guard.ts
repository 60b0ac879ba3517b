// A call to the upstream, admitted and recorded by the state word of its endpoint.
import { isProbe, Recorded, Refusal, type StateMachine } from '@corelane/atomic-state';
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

  async send(endpoint: number, event: Event): Promise<GuardedResult> {
    const { machine, delivery, books } = this.#parts;
    // Before the word is asked: an admission must lead to a call, or its probe is lost.
    if (delivery.isFull) return 'overloaded';
    const admission = machine.tryAcquire(endpoint);
    if (admission < 0) return refusalName(admission);
    const probe = isProbe(admission);
    if (probe) {
      books.probes.inc();
      event.headers['x-breaker-probe'] = '1';
    }
    const result = await delivery.send(event);
    this.#record(endpoint, admission, result);
    return result;
  }

  #record(endpoint: number, admission: number, result: DeliveryResult): void {
    const { machine, books, wordBook, onTransition } = this.#parts;
    const ok = result === 'delivered';
    const atMs = monotonicMs();
    const outcome = machine.recordDelivery(endpoint, ok, admission);
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

function refusalName(refusal: number): 'open' | 'probing' | 'throttled' {
  if (refusal === Refusal.Throttled) return 'throttled';
  // Isolated by hand is open to whoever asks; no endpoint of the gateway has a `capacity`.
  return refusal === Refusal.Open || refusal === Refusal.Isolated ? 'open' : 'probing';
}
