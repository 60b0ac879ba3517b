// Interned contents of the model memory. A content is its id, so that a state holds one number for all of memory, and an access that
// changes nothing costs nothing. Only the words that threads access are stored, each in a column of its own: the others keep what
// setup left there, so a layout with independent words 128 bytes apart costs no more than a dense one.

/** Hashes are kept up word by word, as a sum over the words that differ from what setup left. */
function mix(column: number, value: number): number {
  let h = Math.imul(value ^ Math.imul(column + 1, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  return h ^ (h >>> 13);
}

export class MemoryTable {
  /** What setup left: content 0. */
  readonly #base: Int32Array;
  /** By word: its column, or -1. */
  readonly #columns: Int32Array;
  /** By column: its word. */
  readonly #words: number[] = [];
  /** Room for columns in a content. */
  #stride = 8;
  #contents: Int32Array = new Int32Array(this.#stride * 64);
  #hashes: Int32Array = new Int32Array(256);
  #count = 1;
  /** Open addressing: id + 1, or 0. */
  #table: Int32Array = new Int32Array(256);

  constructor(base: Int32Array) {
    this.#base = base.slice();
    this.#columns = new Int32Array(base.length).fill(-1);
    this.#table[0] = 1;
  }

  /** The column of the first of `width` words, which follow each other. They have columns already, or none of them has. */
  column(word: number, width: number): number {
    if (this.#columns[word]! < 0)
      for (let each = word; each < word + width; each++) {
        const column = this.#words.push(each) - 1;
        this.#columns[each] = column;
        if (column === this.#stride) this.#widen();
        const value = this.#base[each]!;
        for (let id = 0; id < this.#count; id++) this.#contents[id * this.#stride + column] = value;
      }
    return this.#columns[word]!;
  }

  word(id: number, column: number): number {
    return this.#contents[id * this.#stride + column]!;
  }

  /** All words of a content. */
  copy(id: number, into: Int32Array): void {
    into.set(this.#base);
    const from = id * this.#stride;
    for (let column = 0; column < this.#words.length; column++)
      into[this.#words[column]!] = this.#contents[from + column]!;
  }

  /** The id of the content that differs from `id` in one word. */
  write(id: number, column: number, value: number): number {
    const before = this.word(id, column);
    if (before === value) return id;
    const to = this.#draft(id);
    this.#contents[to + column] = value;
    return this.#commit((this.#hashes[id]! - mix(column, before) + mix(column, value)) | 0);
  }

  /** The id of the content that differs from `id` in a 64-bit word. One step: no content with half of it is interned. */
  writePair(id: number, column: number, low: number, high: number): number {
    const lowBefore = this.word(id, column);
    const highBefore = this.word(id, column + 1);
    if (lowBefore === low && highBefore === high) return id;
    const to = this.#draft(id);
    this.#contents[to + column] = low;
    this.#contents[to + column + 1] = high;
    const gone = mix(column, lowBefore) + mix(column + 1, highBefore);
    return this.#commit((this.#hashes[id]! - gone + mix(column, low) + mix(column + 1, high)) | 0);
  }

  /** Copies a content behind the last one; returns where it starts. */
  #draft(id: number): number {
    if ((this.#count + 1) * this.#stride > this.#contents.length) {
      const grown = new Int32Array(this.#contents.length * 2);
      grown.set(this.#contents);
      this.#contents = grown;
    }
    const from = id * this.#stride;
    const to = this.#count * this.#stride;
    for (let column = 0; column < this.#words.length; column++)
      this.#contents[to + column] = this.#contents[from + column]!;
    return to;
  }

  /** The draft becomes the next id, unless it is known: then it is overwritten by the next. */
  #commit(hash: number): number {
    if ((this.#count + 1) * 2 > this.#table.length) this.#rehash();
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const id = this.#table[slot]! - 1;
      if (this.#hashes[id] === hash && this.#equals(id, this.#count)) return id;
    }
    this.#hashes[this.#count] = hash;
    this.#table[slot] = this.#count + 1;
    return this.#count++;
  }

  #equals(left: number, right: number): boolean {
    const from = left * this.#stride;
    const to = right * this.#stride;
    for (let column = 0; column < this.#words.length; column++)
      if (this.#contents[from + column] !== this.#contents[to + column]) return false;
    return true;
  }

  #rehash(): void {
    const hashes = new Int32Array(this.#table.length);
    hashes.set(this.#hashes.subarray(0, this.#count));
    this.#hashes = hashes;
    this.#table = new Int32Array(this.#table.length * 2);
    const mask = this.#table.length - 1;
    for (let id = 0; id < this.#count; id++) {
      let slot = hashes[id]! & mask;
      while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
      this.#table[slot] = id + 1;
    }
  }

  #widen(): void {
    const stride = this.#stride * 2;
    const wide = new Int32Array(this.#contents.length * 2);
    for (let id = 0; id < this.#count; id++)
      wide.set(this.#contents.subarray(id * this.#stride, (id + 1) * this.#stride), id * stride);
    this.#contents = wide;
    this.#stride = stride;
  }
}
