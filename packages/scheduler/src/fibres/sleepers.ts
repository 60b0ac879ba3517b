// Fibres that sleep: one timer for all of them, set for the first.
import { MinHeap } from './min-heap.ts';
import type { Sleep } from './waits.ts';

export class Sleepers {
  readonly #heap = new MinHeap<Sleep>();
  readonly #wake: (sleep: Sleep) => void;
  #timer: NodeJS.Timeout | undefined;
  /** What the timer is set for. */
  #timerMs = Infinity;

  constructor(wake: (sleep: Sleep) => void) {
    this.#wake = wake;
  }

  get size(): number {
    return this.#heap.size;
  }

  add(sleep: Sleep): void {
    this.#heap.add(sleep);
    if (sleep.key < this.#timerMs) this.#set(sleep.key, performance.now());
  }

  /** Nobody waits for it any more. */
  remove(sleep: Sleep): void {
    this.#heap.remove(sleep);
    if (this.#heap.size === 0) this.#clear();
  }

  readonly #ring = (): void => {
    this.#clear();
    const nowMs = performance.now();
    for (;;) {
      const first = this.#heap.least;
      if (first === undefined) return;
      // A timer of Node may be early by less than a millisecond.
      if (first.key > nowMs) return this.#set(first.key, nowMs);
      this.#heap.remove(first);
      this.#wake(first);
    }
  };

  #set(atMs: number, nowMs: number): void {
    clearTimeout(this.#timer);
    this.#timerMs = atMs;
    this.#timer = setTimeout(this.#ring, Math.ceil(atMs - nowMs));
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerMs = Infinity;
  }
}
