/** The line of operations that found the ring full: first in, first out, and whoever gives up leaves it at once. */
import type { Operation } from './operation.ts';

export class Line {
  #first: Operation | null = null;
  #last: Operation | null = null;
  #length = 0;

  get first(): Operation | null {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  operations(): Operation[] {
    const found: Operation[] = [];
    for (let operation = this.#first; operation !== null; operation = operation.next) found.push(operation);
    return found;
  }

  join(operation: Operation): void {
    operation.previous = this.#last;
    if (this.#last === null) this.#first = operation;
    else this.#last.next = operation;
    this.#last = operation;
    this.#length++;
  }

  /** Goes ahead of all others. */
  lead(operation: Operation): void {
    operation.next = this.#first;
    if (this.#first === null) this.#last = operation;
    else this.#first.previous = operation;
    this.#first = operation;
    this.#length++;
  }

  /** Out of the line, from wherever in it. */
  leave(operation: Operation): void {
    const { previous, next } = operation;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    operation.previous = operation.next = null;
    this.#length--;
  }

  take(): Operation | null {
    const operation = this.#first;
    if (operation !== null) this.leave(operation);
    return operation;
  }
}
