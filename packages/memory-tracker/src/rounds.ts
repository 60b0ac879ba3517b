// Rounds of a measurement: what V8 has not compiled yet allocates more, so the round that had least counts.
import type { HeapGrowth } from './heap-growth.ts';

/** Guessed: a few rounds let feedback settle, and the pauses between eight of them (255 ms in all) let the compiler's thread run. */
const MAX_ROUNDS = 9;
/** Guessed: rounds in which collections run last long enough for that. */
const MAX_COLLECTING_ROUNDS = 5;
/** Of a figure that nothing depends on. */
const MAX_UNJUDGED_ROUNDS = 2;
/** Nobody notifies: waiting on it is a pause. Not a timer: those may be faked in tests. */
const pauseWord = new Int32Array(new SharedArrayBuffer(4));

export class Rounds<G extends HeapGrowth> {
  readonly #enoughBytes: number | undefined;
  #done = 0;
  #least: G | undefined;

  /** @param enoughBytes per operation: a round that has no more is the last; undefined: none is so good that it is the last */
  constructor(enoughBytes: number | undefined) {
    this.#enoughBytes = enoughBytes;
  }

  /** The round that had least. */
  get least(): G | undefined {
    return this.#least;
  }

  /**
   * @param counts whether the round has a figure
   * @returns whether it takes another round
   */
  goesOn(growth: G, counts = true): boolean {
    this.#done++;
    if (counts && !(growth.bytesPerOperation >= (this.#least?.bytesPerOperation ?? Infinity)))
      this.#least = growth;
    const most = growth.collections > 0 ? MAX_COLLECTING_ROUNDS : MAX_ROUNDS;
    if (this.#least === undefined) return this.#done < most;
    if (this.#enoughBytes === undefined) return this.#done < MAX_UNJUDGED_ROUNDS;
    return this.#least.bytesPerOperation > this.#enoughBytes && this.#done < most;
  }

  /** 1 ms, and twice as long each time. Blocks the thread. */
  pause(): void {
    Atomics.wait(pauseWord, 0, 0, 2 ** (this.#done - 1));
  }
}
