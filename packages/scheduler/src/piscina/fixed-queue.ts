// A ring that doubles when it is full: both ends cost the same however long it is. It keeps its size, which is a power of two, until it is empty.
import type { Task, TaskQueue } from './task-queue.ts';

const LEAST = 16;
/** A ring that has been longer than that is given up when it runs empty. */
const KEPT = 4096;

export class FixedQueue implements TaskQueue {
  #ring: (Task | undefined)[] = new Array<Task | undefined>(LEAST); // oxlint-disable-line unicorn/no-new-array
  #first = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  isEmpty(): boolean {
    return this.#size === 0;
  }

  push(task: Task): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[this.#index(this.#size)] = task;
    this.#size++;
  }

  unshift(task: Task): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#first = this.#index(-1);
    this.#ring[this.#first] = task;
    this.#size++;
  }

  shift(): Task | null {
    if (this.#size === 0) return null;
    const task = this.#ring[this.#first] as Task;
    this.#ring[this.#first] = undefined;
    this.#first = this.#index(1);
    this.#size--;
    if (this.#size === 0 && this.#ring.length > KEPT) this.#renew(LEAST);
    return task;
  }

  /** Takes a task from wherever it is. Nothing happens where it is not in the queue. */
  remove(task: Task): void {
    for (let at = 0; at < this.#size; at++) {
      if (this.#ring[this.#index(at)] !== task) continue;
      for (let next = at + 1; next < this.#size; next++)
        this.#ring[this.#index(next - 1)] = this.#ring[this.#index(next)];
      this.#size--;
      this.#ring[this.#index(this.#size)] = undefined;
      return;
    }
  }

  /** Where the task lies that is `at` from the first. */
  #index(at: number): number {
    return (this.#first + at) & (this.#ring.length - 1);
  }

  #grow(): void {
    this.#renew(this.#ring.length * 2);
  }

  #renew(length: number): void {
    const ring = new Array<Task | undefined>(length); // oxlint-disable-line unicorn/no-new-array
    for (let at = 0; at < this.#size; at++) ring[at] = this.#ring[this.#index(at)];
    this.#ring = ring;
    this.#first = 0;
  }
}
