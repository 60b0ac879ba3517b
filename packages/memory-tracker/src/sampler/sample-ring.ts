// The last samples of a series, in the order of time. What is full forgets the oldest.
export class SampleRing {
  readonly #timesMs: Float64Array;
  readonly #bytes: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#timesMs = new Float64Array(capacity);
    this.#bytes = new Float64Array(capacity);
  }

  /** Samples that it has had, those that it has forgotten too. */
  get count(): number {
    return this.#count;
  }

  push(timeMs: number, bytes: number): void {
    const at = this.#count % this.#bytes.length;
    this.#timesMs[at] = timeMs;
    this.#bytes[at] = bytes;
    this.#count++;
  }

  /** The newest one; NaN before the first, or where that was a gap. */
  get latest(): number {
    return this.#count === 0 ? NaN : (this.#bytes[(this.#count - 1) % this.#bytes.length] as number);
  }

  /** Oldest first. */
  read(): { timesMs: number[]; bytes: number[] } {
    const size = Math.min(this.#count, this.#bytes.length);
    const indexes = Array.from({ length: size }, (_, i) => (this.#count - size + i) % this.#bytes.length);
    return {
      timesMs: indexes.map((at) => this.#timesMs[at] as number),
      bytes: indexes.map((at) => this.#bytes[at] as number),
    };
  }
}
