// A binary heap of objects that know their place in it, so that one can be taken out of the middle.

export interface Heaped {
  /** The least first. Not to be changed while it is in the heap. */
  key: number;
  /** Among equal keys. Given by the heap. */
  order: number;
  /** Its place, or -1. The heap's. */
  at: number;
}

export class MinHeap<T extends Heaped> {
  readonly #items: T[] = [];
  #orders = 0;

  get size(): number {
    return this.#items.length;
  }

  get least(): T | undefined {
    return this.#items[0];
  }

  /** Behind others of the same key. */
  add(item: T): void {
    item.order = this.#orders++;
    this.putBack(item);
  }

  /** Where it was among others of the same key before it was taken. */
  putBack(item: T): void {
    this.#items.push(item);
    this.#up(this.#items.length - 1, item);
  }

  takeLeast(): T | undefined {
    const least = this.#items[0];
    if (least !== undefined) this.remove(least);
    return least;
  }

  /** Harmless where it is not in the heap. */
  remove(item: T): void {
    const { at } = item;
    if (at < 0) return;
    item.at = -1;
    const last = this.#items.pop() as T;
    if (last === item) return;
    if (at > 0 && isBefore(last, this.#items[(at - 1) >> 1] as T)) this.#up(at, last);
    else this.#down(at, last);
  }

  #up(from: number, item: T): void {
    const items = this.#items;
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = items[parentAt] as T;
      if (!isBefore(item, parent)) break;
      items[at] = parent;
      parent.at = at;
      at = parentAt;
    }
    items[at] = item;
    item.at = at;
  }

  #down(from: number, item: T): void {
    const items = this.#items;
    const { length } = items;
    let at = from;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= length) break;
      if (childAt + 1 < length && isBefore(items[childAt + 1] as T, items[childAt] as T)) childAt++;
      const child = items[childAt] as T;
      if (!isBefore(child, item)) break;
      items[at] = child;
      child.at = at;
      at = childAt;
    }
    items[at] = item;
    item.at = at;
  }
}

function isBefore(one: Heaped, other: Heaped): boolean {
  return one.key < other.key || (one.key === other.key && one.order < other.order);
}
