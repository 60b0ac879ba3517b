// Interned states. A state is a record of a few words; its id is the order in which it was found, so the table is also the queue of
// a breadth-first search. With each state goes how it was first reached, from which traces are rebuilt.

export class StateTable {
  /** Words of a state. */
  readonly stride: number;
  #records: Int32Array;
  /** Per state: the state it was reached from (-1 for the first), the step, the number of steps from the start. */
  #origins: Int32Array = new Int32Array(3 * 2048);
  #count = 0;
  /** Open addressing: id + 1, or 0. */
  #table: Int32Array = new Int32Array(4096);

  constructor(stride: number) {
    this.stride = stride;
    this.#records = new Int32Array(stride * 2048);
  }

  get count(): number {
    return this.#count;
  }

  /** Interns a state; it is new where the id returned equals `count` before. */
  intern(record: Int32Array, parent: number, step: number): number {
    if ((this.#count + 1) * 2 > this.#table.length) this.#grow();
    const { stride } = this;
    const mask = this.#table.length - 1;
    let slot = this.#hash(record, 0) & mask;
    next: for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const id = this.#table[slot]! - 1;
      for (let i = 0, at = id * stride; i < stride; i++, at++)
        if (this.#records[at] !== record[i]) continue next;
      return id;
    }
    this.#table[slot] = this.#count + 1;
    this.#records.set(record, this.#count * stride);
    const origin = this.#count * 3;
    this.#origins[origin] = parent;
    this.#origins[origin + 1] = step;
    this.#origins[origin + 2] = parent < 0 ? 0 : this.depth(parent) + 1;
    return this.#count++;
  }

  read(id: number, into: Int32Array): void {
    const { stride } = this;
    for (let i = 0, at = id * stride; i < stride; i++, at++) into[i] = this.#records[at]!;
  }

  parent(id: number): number {
    return this.#origins[id * 3]!;
  }

  step(id: number): number {
    return this.#origins[id * 3 + 1]!;
  }

  depth(id: number): number {
    return this.#origins[id * 3 + 2]!;
  }

  #hash(words: Int32Array, at: number): number {
    let h = 0;
    for (let end = at + this.stride; at < end; at++) {
      h = Math.imul(h ^ words[at]!, 0x9e3779b1);
      h ^= h >>> 15;
    }
    h = Math.imul(h, 0x85ebca6b);
    return h ^ (h >>> 13);
  }

  #grow(): void {
    const records = new Int32Array(this.#records.length * 2);
    records.set(this.#records);
    this.#records = records;
    const origins = new Int32Array(this.#origins.length * 2);
    origins.set(this.#origins);
    this.#origins = origins;
    this.#table = new Int32Array(this.#table.length * 2);
    const mask = this.#table.length - 1;
    for (let id = 0; id < this.#count; id++) {
      let slot = this.#hash(records, id * this.stride) & mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
      this.#table[slot] = id + 1;
    }
  }
}
