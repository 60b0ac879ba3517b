// What a worker says of its polls: two words of shared memory that it alone writes, with plain stores. PROTOCOL.md, section 13.
//
// A poll is one run of a task's code that nothing interrupts: a plain function's call, until its result is written or it returns its promise; one `next()` of a generator, one
// step. What an async function does after its first `await` is none.
//
// A poll that follows at once ends the one before: who runs many small tasks writes two words for each, in 2 ns. Measured. Atomic stores take 13.
import { threadId } from 'node:worker_threads';
import { workerEntry } from '../layout.ts';
import type { SchedulerTable } from '../table.ts';

const WORD = workerEntry.word;

export class PollWord {
  readonly #i32: Int32Array;
  readonly #poll: number;
  readonly #polled: number;
  readonly #thread: number;
  readonly #loop: number;
  /** Odd while a poll is under way. */
  #count = 0;
  /** Modules that are being imported. */
  #imports = 0;

  /** @param party of the worker whose thread this is */
  constructor(table: SchedulerTable, party: number) {
    const entry = table.workerWord(party);
    this.#i32 = table.i32;
    this.#poll = entry + WORD.poll;
    this.#polled = entry + WORD.polled;
    this.#thread = entry + WORD.thread;
    this.#loop = entry + WORD.loop;
  }

  /** From here on it may be watched: it has imported what it is to import. */
  open(): void {
    this.#i32[this.#loop] = 1;
    Atomics.store(this.#i32, this.#thread, threadId + 1); // pairs with the load in PollSampler.look
  }

  /** The next poll is of the task in this slot. It ends the one before, where that has not been ended: within a poll of one task there may be polls of others. */
  begin(slot: number): void {
    this.#i32[this.#polled] = slot;
    this.#i32[this.#poll] = this.#count = (this.#count + 1) | 1;
  }

  /** Number of the poll that is under way. */
  get current(): number {
    return this.#i32[this.#poll] as number;
  }

  /** Polls of others, in the middle of one, are over, and that one goes on: the same to who watches, unless they have looked meanwhile. @param count its number */
  goOn(count: number, slot: number): void {
    this.#i32[this.#polled] = slot;
    this.#i32[this.#poll] = count;
  }

  /** None is under way. */
  end(): void {
    this.#i32[this.#poll] = this.#count = (this.#count + 1) & ~1;
  }

  /** The thread blocks from here on, because there is nothing to do. */
  block(): void {
    this.#i32[this.#loop] = 0;
  }

  /** Its event loop has its turns again. */
  turn(): void {
    this.#i32[this.#loop] = this.#imports === 0 ? 1 : 0;
  }

  /** A module is imported, which may take as long as it likes. */
  beginImport(): void {
    this.#imports++;
    this.turn();
  }

  endImport(): void {
    this.#imports--;
    this.turn();
  }
}
