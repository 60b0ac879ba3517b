// Fibres one behind the other, linked through themselves: nothing is allocated for it.
import type { FibreTask } from './fibre-task.ts';

export class ReadyList {
  #first: FibreTask | undefined = undefined;
  #last: FibreTask | undefined = undefined;

  get first(): FibreTask | undefined {
    return this.#first;
  }

  add(task: FibreTask): void {
    task.next = undefined;
    if (this.#last === undefined) this.#first = task;
    else this.#last.next = task;
    this.#last = task;
  }

  putBack(task: FibreTask): void {
    task.next = this.#first;
    this.#first = task;
    this.#last ??= task;
  }

  take(): FibreTask | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#first = first.next;
    if (first.next === undefined) this.#last = undefined;
    first.next = undefined;
    return first;
  }
}
