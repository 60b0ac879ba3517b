/** What is shifted off stays in the array until there is this much of it, and it is half of all. */
const LEAST_GARBAGE = 1024;

/** First in, first out, each in constant time: `Array.prototype.shift` moves all others where there are many. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.size === 0) this.clear();
    else if (this.#head >= LEAST_GARBAGE && this.#head >= this.size) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  includes(item: T): boolean {
    return this.#items.includes(item, this.#head);
  }

  /** The first like it, if there is one. */
  remove(item: T): void {
    const index = this.#items.indexOf(item, this.#head);
    if (index >= 0) this.#items.splice(index, 1);
  }

  clear(): void {
    this.#items.length = this.#head = 0;
  }
}
