// Those on this thread who wait for a buffer, first come first served. Between threads whoever is first takes it.
//
// The thread parks on the pool's sequence with one `Atomics.waitAsync` at a time, for all of them: a parked promise can't be taken back,
// so one promise each would let the wake-up for somebody who has given up wake nobody. PROTOCOL.md, section 3.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { AcquireTimeoutError } from './errors.ts';
import type { Lease } from './lease.ts';
import type { PoolMemory } from './pool-memory.ts';

export interface AcquireOptions {
  /** Gives up: rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to wait at most: rejects with AcquireTimeoutError. Without it, for ever. */
  readonly timeoutMs?: number | undefined;
}

interface Waiting {
  resolve(lease: Lease): void;
  reject(reason: unknown): void;
  /** Takes back time-out and listener. */
  settle(): void;
}

/** What the line needs of its pool. */
export interface Counter {
  owner(): number;
  /** Takes a buffer, uncounted where there is none. */
  take(): Lease | undefined;
  /** Counts one who got none. */
  fail(): void;
}

/** @throws ArgumentRangeError */
export function checkOptions(options: AcquireOptions): void {
  // A number would be ignored: the bytes of a SizeClassPool, or a time-out, in their place.
  if (typeof options !== 'object' || options === null)
    throw new ArgumentRangeError('options', options, 'an object: `{ signal, timeoutMs }`');
  const { timeoutMs } = options;
  if (timeoutMs === undefined) return;
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0 && timeoutMs < 2 ** 31))
    throw new ArgumentRangeError('timeoutMs', timeoutMs, 'milliseconds from 0 to 2147483647');
}

/** The reason for which whoever waits on several pools leaves those that were not first: no failure, as it was served. */
export const SERVED = new Error('served by another pool');

const FOR_EVER_MS = 2 ** 31 - 1;

export class WaitingLine {
  readonly #memory: PoolMemory;
  readonly #counter: Counter;
  readonly #line = new Set<Waiting>();
  /** Counted in `waiters` as this owner; 0 where not. */
  #announced = 0;
  #parked = false;
  /** Keeps the thread alive: a parked promise does not. */
  #alive: NodeJS.Timeout | undefined;

  constructor(memory: PoolMemory, counter: Counter) {
    this.#memory = memory;
    this.#counter = counter;
  }

  /** How many wait. */
  get size(): number {
    return this.#line.size;
  }

  join({ signal, timeoutMs }: AcquireOptions): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown): void => {
        if (!this.#line.delete(waiting)) return;
        waiting.settle();
        if (reason !== SERVED) this.#counter.fail();
        if (this.#line.size === 0) this.#retire();
        reject(reason);
      };
      const onAbort = (): void => leave((signal as AbortSignal).reason);
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => leave(new AcquireTimeoutError(timeoutMs, this.#memory.capacity)), timeoutMs);
      const waiting: Waiting = {
        resolve,
        reject,
        settle: () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#line.add(waiting);
      this.#announce();
      this.#serve();
    });
  }

  /** Sends everybody away. */
  dismiss(reason: unknown): void {
    for (const waiting of this.#line) {
      waiting.settle();
      waiting.reject(reason);
    }
    this.#line.clear();
    this.#retire();
  }

  #announce(): void {
    if (this.#announced !== 0) return;
    this.#announced = this.#counter.owner();
    this.#memory.kernel.announceWaiter(this.#memory.at, this.#announced);
    this.#alive = setInterval(() => {}, FOR_EVER_MS);
  }

  #retire(): void {
    if (this.#announced === 0) return;
    this.#memory.kernel.retireWaiter(this.#memory.at, this.#announced);
    this.#announced = 0;
    clearInterval(this.#alive);
  }

  #serve(): void {
    const { kernel, at, arena, sequenceWord } = this.#memory;
    while (this.#line.size > 0) {
      const seen = kernel.waiterSequence(at); // before the attempts: what is returned after them has moved it
      this.#handOut();
      if (this.#line.size === 0) break;
      if (this.#parked) return; // that promise is still to come, and what it brings is served then
      const { async, value } = Atomics.waitAsync(arena.i32, sequenceWord, seen);
      if (!async) continue; // moved since: look again
      this.#parked = true;
      void this.#serveAfter(value);
      return;
    }
    this.#retire();
  }

  async #serveAfter(woken: Promise<unknown>): Promise<void> {
    await woken;
    this.#parked = false;
    this.#serve();
  }

  #handOut(): void {
    for (const waiting of this.#line) {
      let lease: Lease | undefined;
      try {
        lease = this.#counter.take();
        if (lease === undefined) return;
      } catch (error) {
        waiting.reject(error);
      }
      this.#line.delete(waiting);
      waiting.settle();
      if (lease !== undefined) waiting.resolve(lease);
    }
  }
}
