// Interned contents of the model memory. A content is its id, so that a state holds one number for all of memory, and an access that
// changes nothing costs nothing. Hashes are kept up word by word (a sum of mixed words), not recomputed.

function mix(index: number, value: number): number {
  let h = Math.imul(value ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  return h ^ (h >>> 13);
}

export class MemoryTable {
  /** Words of a content. */
  readonly words: number;
  #contents: Int32Array;
  #hashes: Int32Array = new Int32Array(64);
  #count = 0;
  /** Open addressing: id + 1, or 0. */
  #table: Int32Array = new Int32Array(256);

  constructor(words: number) {
    this.words = words;
    this.#contents = new Int32Array(words * 64);
  }

  get count(): number {
    return this.#count;
  }

  /** Interns a whole content. */
  intern(words: Int32Array): number {
    this.#reserve();
    this.#contents.set(words, this.#count * this.words);
    let hash = 0;
    for (let i = 0; i < words.length; i++) hash = (hash + mix(i, words[i]!)) | 0;
    return this.#commit(hash);
  }

  word(id: number, index: number): number {
    return this.#contents[id * this.words + index]!;
  }

  /** The words of a content, to read only, until the next content is interned. */
  view(id: number): Int32Array {
    return this.#contents.subarray(id * this.words, (id + 1) * this.words);
  }

  /** The id of the content that differs from `id` in one word. */
  write(id: number, index: number, value: number): number {
    const before = this.word(id, index);
    if (before === value) return id;
    this.#reserve();
    const from = id * this.words;
    const to = this.#count * this.words;
    this.#contents.copyWithin(to, from, from + this.words);
    this.#contents[to + index] = value;
    return this.#commit((this.#hashes[id]! - mix(index, before) + mix(index, value)) | 0);
  }

  /** The id of the content that differs from `id` in a 64-bit word. One step: no content with half of it is interned. */
  writePair(id: number, index: number, low: number, high: number): number {
    const lowBefore = this.word(id, index);
    const highBefore = this.word(id, index + 1);
    if (lowBefore === low && highBefore === high) return id;
    this.#reserve();
    const from = id * this.words;
    const to = this.#count * this.words;
    this.#contents.copyWithin(to, from, from + this.words);
    this.#contents[to + index] = low;
    this.#contents[to + index + 1] = high;
    const gone = mix(index, lowBefore) + mix(index + 1, highBefore);
    return this.#commit((this.#hashes[id]! - gone + mix(index, low) + mix(index + 1, high)) | 0);
  }

  /** Room for one more content after the last. */
  #reserve(): void {
    if ((this.#count + 1) * this.words > this.#contents.length) {
      const grown = new Int32Array(this.#contents.length * 2);
      grown.set(this.#contents);
      this.#contents = grown;
    }
    if (this.#count === this.#hashes.length) {
      const grown = new Int32Array(this.#count * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    if ((this.#count + 1) * 2 > this.#table.length) {
      this.#table = new Int32Array(this.#table.length * 2);
      const mask = this.#table.length - 1;
      for (let id = 0; id < this.#count; id++) {
        let slot = this.#hashes[id]! & mask;
        while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
        this.#table[slot] = id + 1;
      }
    }
  }

  /** The content after the last becomes the next id, unless it is known: then it stays free. */
  #commit(hash: number): number {
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
    const contents = this.#contents;
    for (let i = left * this.words, j = right * this.words, end = i + this.words; i < end; i++, j++)
      if (contents[i] !== contents[j]) return false;
    return true;
  }
}
