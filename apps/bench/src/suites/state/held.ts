/** What a case holds between `setup` and `teardown`. */
export class Held<T> {
  #value: T | undefined;

  set(value: T): T {
    this.#value = value;
    return value;
  }

  get(): T {
    if (this.#value === undefined) throw new Error('used before setup or after teardown');
    return this.#value;
  }

  /** The value, or undefined where `setup` did not get that far. */
  take(): T | undefined {
    const value = this.#value;
    this.#value = undefined;
    return value;
  }
}
