// Waiting for events. Producers look at the count of those who wait, and unpark only where there are any: so a waiter is counted before
// it takes the sequence that it parks with, and takes that before it looks. PROTOCOL.md, section "Event buffer".
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { EventPlace } from './event-place.ts';
import { THIS_THREAD } from './this-thread.ts';

export interface EventWaitOptions {
  /** Milliseconds; for ever by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export class EventWait {
  readonly #place: EventPlace;
  #seat: number;

  constructor(place: EventPlace, seat: number) {
    this.#place = place;
    this.#seat = seat;
  }

  /** @returns true where `look` returned true, false where the time is over or the wait was ended */
  async forEvent(look: () => boolean, options: EventWaitOptions): Promise<boolean> {
    const { timeoutMs = Infinity, signal } = options;
    const { spot, kernel, at } = this.#place;
    const deadline = deadlineAfter(timeoutMs);
    kernel.sleepAtEvents(at, this.#seat);
    try {
      while (this.#seat !== 0) {
        const sequence = spot.prepare();
        if (look()) return true;
        const leftMs = leftUntil(deadline);
        if (leftMs <= 0) return false;
        await spot.parkAsync(sequence, {
          timeoutMs: leftMs,
          ref: true,
          ...(signal === undefined ? {} : { signal }),
        });
      }
      return false;
    } finally {
      this.#wake();
    }
  }

  /** Blocks the thread. @returns as `forEvent` */
  blocking(look: () => boolean, timeoutMs: number): boolean {
    const { spot, kernel, at } = this.#place;
    const deadline = deadlineAfter(timeoutMs);
    kernel.sleepAtEvents(at, this.#seat);
    try {
      while (true) {
        const sequence = spot.prepare();
        if (look()) return true;
        const leftMs = leftUntil(deadline);
        if (leftMs <= 0) return false;
        spot.park(sequence, leftMs);
      }
    } finally {
      this.#wake();
    }
  }

  /** Ends all waits of the seat, which is about to be freed. */
  end(): void {
    const { kernel, at, spot } = this.#place;
    kernel.forgetSleeper(at, this.#seat);
    this.#seat = 0;
    spot.unpark(Infinity);
  }

  /** The seat was reclaimed, with its sleepers. */
  forget(): void {
    this.#seat = 0;
  }

  #wake(): void {
    const { kernel, at } = this.#place;
    // Reclaimed while it was alive: whoever did has taken its sleepers off.
    if (this.#seat !== 0 && kernel.seatOwner(this.#seat) === THIS_THREAD) kernel.wakeAtEvents(at, this.#seat);
  }
}

function deadlineAfter(timeoutMs: number): number {
  if (!(timeoutMs >= 0))
    throw new ArgumentRangeError('timeoutMs', timeoutMs, 'a number of at least 0, or Infinity');
  return timeoutMs === Infinity ? Infinity : performance.now() + timeoutMs;
}

function leftUntil(deadline: number): number {
  return deadline === Infinity ? Infinity : deadline - performance.now();
}
