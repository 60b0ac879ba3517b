// Parking on two words, wherever they lie. The protocol, and why no wake-up is lost: kernel/PROTOCOL.md.
import type { Arena } from './arena.ts';
import { ArgumentRangeError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { parkerWords } from './layout.ts';

/**
 * - `woken`: by an unpark
 * - `changed`: did not park, because an unpark came after `prepare`
 * - `timedOut`
 */
export type ParkOutcome = 'woken' | 'changed' | 'timedOut';

const OUTCOMES: readonly ParkOutcome[] = ['woken', 'changed', 'timedOut'];
/** A kernel takes microseconds in an i32: longer waits are made of slices. */
const SLICE_MS = 2_000_000;

export interface ParkAsyncOptions {
  /** Milliseconds; for ever by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Keeps the event loop alive while parked. `Atomics.waitAsync` alone does not: false by default. */
  readonly ref?: boolean;
}

/**
 * Two words on which threads park and are woken. The pattern, with no lost wake-ups:
 * `const sequence = spot.prepare(); if (!condition()) spot.park(sequence);` in a loop, against
 * `makeConditionTrue(); spot.unpark();`.
 */
export class ParkingSpot {
  /** Byte address of its words, for kernels: `park(address, …)` of `@corelane/shared-memory/kernel/parker`. */
  readonly address: number;
  readonly #kernel: KernelExports;
  readonly #i32: Int32Array;
  readonly #sequenceWord: number;

  protected constructor(arena: Arena, address: number) {
    this.address = address;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#i32 = arena.i32;
    this.#sequenceWord = (address + parkerWords.offset.sequence) >> 2;
  }

  /**
   * The spot at an address in another object, whose layout has a field of `parkerWords.bytes` bytes there that starts as zeros.
   * @throws ArgumentRangeError
   */
  static over(arena: Arena, address: number): ParkingSpot {
    const last = arena.bytes - parkerWords.bytes;
    if (!Number.isInteger(address) || address < 0 || address > last || address % parkerWords.alignBytes !== 0)
      throw new ArgumentRangeError(
        'address',
        address,
        `a multiple of ${parkerWords.alignBytes} from 0 to ${last}`,
      );
    return new ParkingSpot(arena, address);
  }

  /** What to park with. Look at the condition after this and before `park`. */
  prepare(): number {
    return this.#kernel.prepare(this.address);
  }

  /**
   * Blocks the thread, and with it its event loop, unless an unpark came after `prepare` returned `sequence`.
   * @param timeoutMs for ever by default
   * @throws ArgumentRangeError
   */
  park(sequence: number, timeoutMs = Infinity): ParkOutcome {
    checkTimeout(timeoutMs);
    let leftMs = timeoutMs;
    if (timeoutMs === Infinity) return OUTCOMES[this.#kernel.park(this.address, sequence, -1)] as ParkOutcome;
    for (; leftMs > SLICE_MS; leftMs -= SLICE_MS) {
      const outcome = this.#kernel.park(this.address, sequence, SLICE_MS * 1000);
      if (outcome !== OUTCOMES.indexOf('timedOut')) return OUTCOMES[outcome] as ParkOutcome;
    }
    return OUTCOMES[this.#kernel.park(this.address, sequence, Math.ceil(leftMs * 1000))] as ParkOutcome;
  }

  /**
   * Parks a continuation instead of the thread: the event loop goes on.
   * @returns rejects with `signal.reason` where it is aborted. The other waiters are then all woken, because the wake-up of one
   *   of them may have come here.
   * @throws ArgumentRangeError
   */
  parkAsync(sequence: number, options: ParkAsyncOptions = {}): Promise<ParkOutcome> {
    const { timeoutMs = Infinity, signal, ref = false } = options;
    checkTimeout(timeoutMs);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    this.#kernel.enlist(this.address);
    const wait = Atomics.waitAsync(this.#i32, this.#sequenceWord, sequence, timeoutMs);
    if (!wait.async) {
      this.#kernel.delist(this.address);
      return Promise.resolve(wait.value === 'not-equal' ? 'changed' : 'timedOut');
    }
    const keepAlive = ref ? setInterval(() => {}, 0x7fffffff) : undefined;
    return new Promise((resolve, reject) => {
      let isAborted = false;
      const onAbort = (): void => {
        isAborted = true;
        clearInterval(keepAlive);
        this.#kernel.abandon(this.address);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const onSettled = (value: 'ok' | 'timed-out'): void => {
        if (isAborted) return;
        clearInterval(keepAlive);
        signal?.removeEventListener('abort', onAbort);
        this.#kernel.delist(this.address);
        resolve(value === 'ok' ? 'woken' : 'timedOut');
      };
      void wait.value.then(onSettled);
    });
  }

  /**
   * Wakes parked threads and continuations, and keeps those from parking that have prepared. Call it after the condition was made
   * true. Allocates nothing, never blocks; where nobody is parked it is two memory accesses.
   * @param count at most; Infinity for all
   * @returns how many were parked and are woken
   * @throws ArgumentRangeError
   */
  unpark(count = 1): number {
    if (count === 1) return this.#kernel.unpark(this.address, 1);
    if (count === Infinity) return this.#kernel.unpark(this.address, -1);
    if (!Number.isInteger(count) || count < 0 || count > 0x7fffffff)
      throw new ArgumentRangeError('count', count, 'an integer of at least 0, or Infinity');
    return this.#kernel.unpark(this.address, count);
  }

  /** Threads and continuations that are parked or about to be: for statistics, old when it is returned. */
  get waiters(): number {
    return Atomics.load(this.#i32, (this.address + parkerWords.offset.waiters) >> 2);
  }
}

function checkTimeout(timeoutMs: number): void {
  if (!(timeoutMs >= 0)) throw new ArgumentRangeError('timeoutMs', timeoutMs, 'at least 0, or Infinity');
}
