// The stack of lock-free (Treiber's, tagged) written with JavaScript Atomics: its 64-bit head needs BigInt.

const INDEX = 0xffff_ffffn;

export class BigintStack {
  readonly #head = new BigUint64Array(new SharedArrayBuffer(8));
  readonly #next: Int32Array;

  constructor(capacity: number) {
    this.#next = new Int32Array(new SharedArrayBuffer(4 * capacity));
    for (let index = 0; index < capacity; index++) this.#next[index] = index + 1 < capacity ? index + 2 : 0;
    this.#head[0] = 1n;
  }

  push(index: number): void {
    let head = Atomics.load(this.#head, 0);
    while (true) {
      Atomics.store(this.#next, index, Number(head & INDEX));
      const seen = Atomics.compareExchange(this.#head, 0, head, (head & ~INDEX) | BigInt(index + 1));
      if (seen === head) return;
      head = seen;
    }
  }

  pop(): number {
    let head = Atomics.load(this.#head, 0);
    while (true) {
      const top = Number(head & INDEX);
      if (top === 0) return -1;
      const below = BigInt(Atomics.load(this.#next, top - 1));
      const seen = Atomics.compareExchange(this.#head, 0, head, ((head & ~INDEX) + (INDEX + 1n)) | below);
      if (seen === head) return top - 1;
      head = seen;
    }
  }
}
