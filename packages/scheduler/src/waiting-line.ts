// Tasks of a client that wait for a slot, or for room in their lane: the most urgent first, and within a level first come, first served.
import { LEVELS } from './layout.ts';
import type { Task } from './tasks.ts';

export interface WaitingTask {
  readonly task: Task<never, unknown>;
  /** Index of its name. */
  readonly id: number;
  readonly args: unknown;
  readonly level: number;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  /** Of its time-out, by `performance.now()`. */
  readonly deadlineMs: number;
  /** When it was submitted: `performance.now()`; 0 where nobody asks. */
  readonly startMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  onAbort: (() => void) | undefined;
  timer: NodeJS.Timeout | undefined;
  /** It is in the line still. */
  waits: boolean;
  next: WaitingTask | undefined;
}

interface Level {
  first: WaitingTask | undefined;
  last: WaitingTask | undefined;
}

export class WaitingLine {
  readonly #levels: (Level | undefined)[] = [];
  /** Bit l: level l has somebody, or has had. */
  #occupied = 0;
  #size = 0;
  /** Told when nobody waits any more. */
  #empty: (() => void)[] = [];

  get size(): number {
    return this.#size;
  }

  /** Whether a task of this level would overtake somebody. */
  isAhead(level: number): boolean {
    return this.#size > 0 && this.#occupied >>> level !== 0 && this.firstBelow(LEVELS, level) !== undefined;
  }

  /** Settles when nobody waits. */
  empty(): Promise<void> {
    return this.#size === 0 ? Promise.resolve() : new Promise((resolve) => this.#empty.push(resolve));
  }

  push(task: WaitingTask): void {
    const level = (this.#levels[task.level] ??= { first: undefined, last: undefined });
    if (level.last === undefined) level.first = task;
    else level.last.next = task;
    level.last = task;
    this.#occupied |= 1 << task.level;
    this.#size++;
  }

  /** The first of the most urgent level below `below`, and not below `least`, that has somebody. */
  firstBelow(below: number, least = 0): WaitingTask | undefined {
    for (let bits = ((this.#occupied & ((1 << below) - 1)) >>> least) << least; bits !== 0;) {
      const index = 31 - Math.clz32(bits);
      const level = this.#levels[index] as Level;
      while (level.first !== undefined && !level.first.waits) this.#drop(level);
      if (level.first !== undefined) return level.first;
      this.#occupied &= ~(1 << index);
      bits &= ~(1 << index);
    }
    return undefined;
  }

  /** It waits no more: its turn has come, or nobody wants it. */
  leave(task: WaitingTask): void {
    if (!task.waits) return;
    task.waits = false;
    this.#size--;
    if (this.#size === 0) for (const tell of this.#empty.splice(0)) tell();
    const level = this.#levels[task.level] as Level;
    if (level.first === task) this.#drop(level);
  }

  #drop(level: Level): void {
    const first = level.first as WaitingTask;
    level.first = first.next;
    if (level.first === undefined) level.last = undefined;
    first.next = undefined;
  }
}
