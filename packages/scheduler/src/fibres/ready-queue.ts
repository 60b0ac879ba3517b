// Which fibre goes on next: the policies.
import { LEVELS } from '../layout.ts';
import type { TurnClock } from '../turn-clock.ts';
import type { FibreTask } from './fibre-task.ts';
import { MinHeap } from './min-heap.ts';
import { ReadyList } from './ready-list.ts';

/**
 * - `priority`: the most urgent first, within a level in turn. One that has waited for `ageingMs` has a slice whatever its level: none starves.
 * - `roundRobin`: in turn, a slice of time each.
 * - `fifo`: each until it waits, ends or gives way (`yield* giveWay`). There are no slices.
 * - `deadline`: the one with the earliest deadline first; equal ones, and those without, in turn.
 */
export type FibrePolicy = 'priority' | 'roundRobin' | 'fifo' | 'deadline';

export const FIBRE_POLICIES: readonly FibrePolicy[] = ['priority', 'roundRobin', 'fifo', 'deadline'];

/** Of fibres that can go on. */
export interface ReadyQueue {
  readonly size: number;
  /** Behind its equals. */
  add(task: FibreTask): void;
  /** Before its equals: it was taken, and interrupted. */
  putBack(task: FibreTask): void;
  take(): FibreTask | undefined;
  /** Whether a more urgent one than this, which runs, could go on. */
  isOutranked(task: FibreTask): boolean;
}

/** Not handed over with each call: numbers that are no integers are allocated for that. */
type Clock = Pick<TurnClock, 'nowMs'>;

/** @param ageingMs of `priority` */
export function readyQueue(policy: FibrePolicy, ageingMs: number, clock: Clock): ReadyQueue {
  if (policy === 'priority') return new LevelQueue(ageingMs, clock);
  if (policy === 'deadline') return new DeadlineQueue();
  return new TurnQueue();
}

class TurnQueue implements ReadyQueue {
  readonly #list = new ReadyList();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(task: FibreTask): void {
    this.#size++;
    this.#list.add(task);
  }

  putBack(task: FibreTask): void {
    this.#size++;
    this.#list.putBack(task);
  }

  take(): FibreTask | undefined {
    const task = this.#list.take();
    if (task !== undefined) this.#size--;
    return task;
  }

  isOutranked(): boolean {
    return false;
  }
}

class LevelQueue implements ReadyQueue {
  readonly #levels = Array.from({ length: LEVELS }, () => new ReadyList());
  readonly #ageingMs: number;
  readonly #clock: Clock;
  /** Bit n: there are some of level n. */
  #filled = 0;
  #size = 0;
  /** When the oldest may have waited for so long. */
  #agedMs = Infinity;

  constructor(ageingMs: number, clock: Clock) {
    this.#ageingMs = ageingMs;
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  add(task: FibreTask): void {
    task.isAged = false;
    this.#note(task).add(task);
  }

  putBack(task: FibreTask): void {
    this.#note(task).putBack(task);
  }

  #note(task: FibreTask): ReadyList {
    const { nowMs } = this.#clock;
    this.#size++;
    task.readyMs = nowMs;
    this.#filled |= 1 << task.level;
    if (this.#agedMs === Infinity) this.#agedMs = nowMs + this.#ageingMs;
    return this.#levels[task.level] as ReadyList;
  }

  take(): FibreTask | undefined {
    if (this.#filled === 0) return undefined;
    const { nowMs } = this.#clock;
    const top = 31 - Math.clz32(this.#filled);
    if (nowMs < this.#agedMs) return this.#takeFrom(top);
    const level = this.#agedLevel();
    const task = this.#takeFrom(level < 0 ? top : level);
    task.isAged = level >= 0 && level < top;
    return task;
  }

  isOutranked(task: FibreTask): boolean {
    return !task.isAged && this.#filled >>> task.level > 1;
  }

  #takeFrom(level: number): FibreTask {
    const list = this.#levels[level] as ReadyList;
    const task = list.take() as FibreTask;
    if (list.first === undefined) this.#filled &= ~(1 << level);
    this.#size--;
    return task;
  }

  /** The level of the one that has waited longest, where that is too long, or -1. */
  #agedLevel(): number {
    const { nowMs } = this.#clock;
    let oldest = -1;
    let oldestMs = Infinity;
    for (let filled = this.#filled; filled !== 0; filled &= filled - 1) {
      const level = 31 - Math.clz32(filled & -filled);
      const { readyMs } = (this.#levels[level] as ReadyList).first as FibreTask;
      if (readyMs >= oldestMs) continue;
      oldest = level;
      oldestMs = readyMs;
    }
    const isAged = nowMs - oldestMs >= this.#ageingMs;
    this.#agedMs = isAged ? nowMs : oldestMs + this.#ageingMs;
    return isAged ? oldest : -1;
  }
}

class DeadlineQueue implements ReadyQueue {
  readonly #heap = new MinHeap<FibreTask>();

  get size(): number {
    return this.#heap.size;
  }

  add(task: FibreTask): void {
    this.#heap.add(task);
  }

  putBack(task: FibreTask): void {
    this.#heap.putBack(task);
  }

  take(): FibreTask | undefined {
    return this.#heap.takeLeast();
  }

  isOutranked({ key }: FibreTask): boolean {
    const { least } = this.#heap;
    return least !== undefined && least.key < key;
  }
}
