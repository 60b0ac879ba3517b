// The mutex that people write on JavaScript Atomics: Drepper's mutex 3. No owner, no time-out, no count, no recovery.

const FREE = 0;
const TAKEN = 1;
const CONTENDED = 2;

export class AtomicsMutex {
  readonly #words: Int32Array;
  readonly #word: number;
  readonly #spins: number;

  /** @param spins looks before it waits */
  constructor(words: Int32Array, word: number, spins: number) {
    this.#words = words;
    this.#word = word;
    this.#spins = spins;
  }

  lock(): void {
    let seen = Atomics.compareExchange(this.#words, this.#word, FREE, TAKEN);
    if (seen === FREE) return;
    for (let spin = 0; spin < this.#spins && seen === TAKEN; spin++) {
      if (Atomics.load(this.#words, this.#word) !== FREE) continue;
      seen = Atomics.compareExchange(this.#words, this.#word, FREE, TAKEN);
      if (seen === FREE) return;
    }
    while (Atomics.exchange(this.#words, this.#word, CONTENDED) !== FREE)
      Atomics.wait(this.#words, this.#word, CONTENDED);
  }

  unlock(): void {
    if (Atomics.sub(this.#words, this.#word, 1) === TAKEN) return;
    Atomics.store(this.#words, this.#word, FREE);
    Atomics.notify(this.#words, this.#word, 1);
  }
}
