// Which words each history's thread was seen to touch from there on: bit sets over the columns of the memory table, one for reads and
// one for writes a node. They only grow.

export class Footprints {
  /** Words of one bit set. */
  #words = 1;
  /** Per node: the columns read, then those written. */
  #bits: Int32Array = new Int32Array(512);

  /** Makes room for so many nodes. */
  reserve(nodes: number): void {
    if (nodes * this.#words * 2 <= this.#bits.length) return;
    const grown = new Int32Array(this.#bits.length * 2);
    grown.set(this.#bits);
    this.#bits = grown;
  }

  mark(node: number, column: number, width: number, reads: boolean, writes: boolean): void {
    while (column + width > this.#words * 32) this.#widen();
    for (let each = column; each < column + width; each++) {
      const bit = 1 << (each & 31);
      const at = node * this.#words * 2 + (each >> 5);
      if (reads) this.#bits[at]! |= bit;
      if (writes) this.#bits[at + this.#words]! |= bit;
    }
  }

  /** Are any of these columns written (or read, where that counts) from the node on? */
  touches(node: number, column: number, width: number, onlyWrites: boolean): boolean {
    for (let each = column; each < column + width; each++) {
      const at = node * this.#words * 2 + (each >> 5);
      const bit = 1 << (each & 31);
      if ((this.#bits[at + this.#words]! & bit) !== 0) return true;
      if (!onlyWrites && (this.#bits[at]! & bit) !== 0) return true;
    }
    return false;
  }

  /** Adds the footprint of one node to that of another; did that grow? */
  include(from: number, into: number): boolean {
    const words = this.#words * 2;
    let grew = false;
    for (let i = 0, at = from * words, to = into * words; i < words; i++, at++, to++) {
      const sum = this.#bits[to]! | this.#bits[at]!;
      if (sum === this.#bits[to]) continue;
      this.#bits[to] = sum;
      grew = true;
    }
    return grew;
  }

  /** Doubles the columns that a bit set has room for. */
  #widen(): void {
    const words = this.#words;
    const wide = new Int32Array(this.#bits.length * 2);
    for (let from = 0; from < this.#bits.length; from += words)
      wide.set(this.#bits.subarray(from, from + words), from * 2);
    this.#bits = wide;
    this.#words = words * 2;
  }
}
