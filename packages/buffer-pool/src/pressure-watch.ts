// Tells listeners on this thread when pressure begins and ends, whichever thread's lease or release made it so.
//
// The thread parks on the pool's `pressure` word with one `Atomics.waitAsync` at a time, for all listeners, as waiting-line.ts does.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { callSafely } from './call-safely.ts';
import type { PoolMemory } from './pool-memory.ts';

export interface PressureEvent {
  /** Whether it begins or ends. */
  readonly underPressure: boolean;
  /** Which one since the pool was created, from 1. Where some are missing, they began and ended before this thread came to look. */
  readonly episode: number;
  /** Buffers that are not available, of `capacity`, at the time of telling. */
  readonly used: number;
  readonly capacity: number;
}

export type PressureListener = (event: PressureEvent) => void;

export class PressureWatch {
  readonly #memory: PoolMemory;
  readonly #listeners = new Set<PressureListener>();
  /** Beginnings and ends that were told, or had been before anybody listened. */
  #told = 0;
  #parked = false;

  constructor(memory: PoolMemory) {
    this.#memory = memory;
  }

  /** From now on; does not keep the thread alive. @returns what ends it @throws ArgumentRangeError */
  listen(listener: PressureListener): Disposable {
    if (typeof listener !== 'function') throw new ArgumentRangeError('listener', listener, 'a function');
    if (this.#listeners.size === 0) this.#told = this.#look();
    // One entry a call, so that a function given twice is called twice and each is ended apart.
    const entry: PressureListener = (event) => listener(event);
    this.#listeners.add(entry);
    if (!this.#parked) this.#park();
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) };
  }

  /** Nobody listens any more. */
  dismiss(): void {
    this.#listeners.clear();
  }

  #look(): number {
    return Atomics.load(this.#memory.arena.i32, this.#memory.pressureWord); // observe: pairs with publish in notePressure
  }

  #park(): void {
    while (this.#listeners.size > 0) {
      const seen = this.#look();
      this.#tell(seen);
      const { async, value } = Atomics.waitAsync(this.#memory.arena.i32, this.#memory.pressureWord, seen);
      if (!async) continue; // moved since: look again
      this.#parked = true;
      void this.#parkAfter(value);
      return;
    }
  }

  async #parkAfter(woken: Promise<unknown>): Promise<void> {
    await woken;
    this.#parked = false;
    this.#park();
  }

  /** What happened since, as the last one or two events: the state is that of the last one. */
  #tell(seen: number): void {
    const passed = (seen - this.#told) | 0;
    this.#told = seen;
    if (passed <= 0) return;
    const { capacity, kernel, at } = this.#memory;
    const used = kernel.usedBuffers(at);
    for (let flips = (seen - (passed > 1 ? 1 : 0)) | 0; ((seen - flips) | 0) >= 0; flips = (flips + 1) | 0) {
      const event = { underPressure: (flips & 1) === 1, episode: (flips + 1) >>> 1, used, capacity };
      // Those who listen now: one who comes while this is told hears of the next, one who goes of nothing more.
      for (const listener of Array.from(this.#listeners))
        if (this.#listeners.has(listener)) callSafely(listener, event);
    }
  }
}
