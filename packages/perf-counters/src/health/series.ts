// The last measurements of something, oldest first.

export class Series {
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  #pushed = 0;

  constructor(capacity: number) {
    this.#times = new Float64Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  push(timeMs: number, value: number): void {
    const slot = this.#pushed++ % this.#times.length;
    this.#times[slot] = timeMs;
    this.#values[slot] = value;
  }

  times(): number[] {
    return this.#inOrder(this.#times);
  }

  values(): number[] {
    return this.#inOrder(this.#values);
  }

  #inOrder(ring: Float64Array): number[] {
    const { length } = ring;
    if (this.#pushed <= length) return [...ring.subarray(0, this.#pushed)];
    const oldest = this.#pushed % length;
    return [...ring.subarray(oldest), ...ring.subarray(0, oldest)];
  }
}
