// An AbortSignal that follows the state of a slot. Its client writes the state and notifies the word; a thread with an event loop to go back to
// gets an 'abort' event, one that never does sees it in `signal.aborted`: that, too, looks at the word.
import { uninterrupted } from './checkpoints/checkpoint.ts';
import { SLOT_RUNNING } from './layout.ts';
import { stateIn } from './table.ts';

export class SlotSignal {
  readonly signal: AbortSignal;
  readonly #i32: Int32Array;
  readonly #word: number;
  readonly #controller = new AbortController();
  #hasEnded: boolean;

  /** @param word of the state of a slot whose task runs on this thread; a negative one: it has ended */
  constructor(i32: Int32Array, word: number) {
    this.#i32 = i32;
    this.#word = word;
    this.#hasEnded = word < 0;
    const { signal } = this.#controller;
    const { prototype } = AbortSignal;
    const seen = (name: 'aborted' | 'reason'): unknown => {
      this.#look();
      return Reflect.get(prototype, name, signal);
    };
    this.signal = Object.defineProperties(signal, {
      aborted: { get: () => seen('aborted') },
      reason: { get: () => seen('reason') },
      throwIfAborted: {
        value: () => {
          this.#look();
          prototype.throwIfAborted.call(signal);
        },
      },
    });
    this.#watch();
  }

  /** The task has ended: from here on the word is that of another one. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // A waiter that stayed would take the notify that the next task's is for.
    Atomics.notify(this.#i32, this.#word);
  }

  /** @returns the state word where somebody still waits for the result */
  #look(): number | undefined {
    if (this.#hasEnded) return undefined;
    const seen = Atomics.load(this.#i32, this.#word);
    if (stateIn(seen) === SLOT_RUNNING) return seen;
    this.#hasEnded = true;
    Atomics.notify(this.#i32, this.#word);
    // What a listener throws ends the thread.
    uninterrupted(() => this.#controller.abort());
    return undefined;
  }

  #watch(): void {
    for (let seen = this.#look(); seen !== undefined; seen = this.#look()) {
      const { async, value } = Atomics.waitAsync(this.#i32, this.#word, seen); // pairs with the notify in cancelSlot, condemnSlot, reclaimSlot, giveUpSlot
      if (!async) continue;
      void value.then(() => this.#watch());
      return;
    }
  }
}
