// Interned states. A state is a record of a few words; its id is the order in which it was found, so the table is also the queue of
// a breadth-first search. With each state goes how it was first reached, from which traces are rebuilt.

export class StateTable {
  /** Words of a state. */
  readonly stride: number;
  #records: Int32Array;
  /** Per state: the state it was reached from (-1 for the first), the step, the number of steps from the start. */
  #origins: Int32Array = new Int32Array(3 * 2048);
  #count = 0;
  /** Open addressing: pairs of id + 1, or 0, and the hash, so that most that differ are told apart without a look at their records. */
  #table: Int32Array = new Int32Array(2 * 4096);

  constructor(stride: number) {
    this.stride = stride;
    this.#records = new Int32Array(stride * 2048);
  }

  get count(): number {
    return this.#count;
  }

  /** Interns a state; it is new where the id returned equals `count` before. */
  intern(record: Int32Array, parent: number, step: number): number {
    const { stride } = this;
    if ((this.#count + 1) * stride > this.#records.length) this.#growRecords();
    if ((this.#count + 1) * 4 > this.#table.length) this.#growTable();
    const table = this.#table;
    const records = this.#records;
    const mask = table.length - 1;
    const hash = this.#hash(record, 0);
    let slot = (hash << 1) & mask;
    next: for (; table[slot] !== 0; slot = (slot + 2) & mask) {
      if (table[slot + 1] !== hash) continue;
      const id = table[slot]! - 1;
      for (let i = 0, at = id * stride; i < stride; i++, at++) if (records[at] !== record[i]) continue next;
      return id;
    }
    table[slot] = this.#count + 1;
    table[slot + 1] = hash;
    records.set(record, this.#count * stride);
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

  #growRecords(): void {
    const records = new Int32Array(this.#records.length * 4);
    records.set(this.#records);
    this.#records = records;
    const origins = new Int32Array(this.#origins.length * 4);
    origins.set(this.#origins);
    this.#origins = origins;
  }

  #growTable(): void {
    const before = this.#table;
    const table = new Int32Array(before.length * 4);
    const mask = table.length - 1;
    for (let i = 0; i < before.length; i += 2) {
      if (before[i] === 0) continue;
      let slot = (before[i + 1]! << 1) & mask;
      while (table[slot] !== 0) slot = (slot + 2) & mask;
      table[slot] = before[i]!;
      table[slot + 1] = before[i + 1]!;
    }
    this.#table = table;
  }
}
