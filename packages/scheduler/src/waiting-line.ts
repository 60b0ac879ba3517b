// Tasks of a client that wait for a slot, or for room in their lane: the most urgent first, and within a level first come, first served.
//
// A million may wait, so one is five elements of an array: an object for each would be three times as large.
import { LEVELS } from './layout.ts';
import { ENDED, type TaskTerms } from './task-terms.ts';
import type { Settle } from './tickets.ts';

/** Elements of one task. */
const ID = 0;
const ARGS = 1;
const RESOLVE = 2;
const REJECT = 3;
const TERMS = 4;
const STRIDE = 5;
/** What has left is cut off when it is so many elements, and half of all. */
const CUT_FROM = 1024 * STRIDE;

interface Level {
  readonly elements: unknown[];
  /** Index of the first one's elements. */
  first: number;
}

/** The first of a level: valid until the line changes. */
export interface Waiting {
  level: number;
  /** Index of its name. */
  id: number;
  args: unknown;
  resolve: Settle;
  reject: Settle;
  terms: TaskTerms | undefined;
}

const nothing = (): void => {};

export class WaitingLine {
  readonly #levels: (Level | undefined)[] = [];
  /** Bit l: level l has somebody, or has had. */
  #occupied = 0;
  #size = 0;
  /** Level of the last turn of a less urgent one. */
  #turn = 0;
  /** Told when nobody waits any more. */
  #empty: (() => void)[] = [];
  readonly #found: Waiting = {
    level: 0,
    id: 0,
    args: undefined,
    resolve: nothing,
    reject: nothing,
    terms: undefined,
  };

  get size(): number {
    return this.#size;
  }

  /** Whether a task of this level would overtake somebody. */
  isAhead(level: number): boolean {
    return this.#size > 0 && this.#occupied >>> level !== 0 && this.#firstLevel(LEVELS, level) >= 0;
  }

  /** Settles when nobody waits. */
  empty(): Promise<void> {
    return this.#size === 0 ? Promise.resolve() : new Promise((resolve) => this.#empty.push(resolve));
  }

  push(
    level: number,
    id: number,
    args: unknown,
    resolve: Settle,
    reject: Settle,
    terms: TaskTerms | undefined,
  ): void {
    const queue = (this.#levels[level] ??= { elements: [], first: 0 });
    queue.elements.push(id, args, resolve, reject, terms);
    this.#occupied |= 1 << level;
    this.#size++;
  }

  /** The first of the most urgent level below `below` that has somebody, or undefined. */
  first(below: number): Waiting | undefined {
    const level = this.#firstLevel(below, 0);
    return level < 0 ? undefined : this.#firstOf(level);
  }

  /** The first of a level below that of the last such turn, and below the most urgent one: each in turn. Where there is one level, its first. */
  firstInTurn(): Waiting | undefined {
    let level = this.#firstLevel(this.#turn, 0);
    if (level < 0) {
      const top = this.#firstLevel(LEVELS, 0);
      if (top < 0) return undefined;
      level = this.#firstLevel(top, 0);
      if (level < 0) level = top;
    }
    this.#turn = level;
    return this.#firstOf(level);
  }

  #firstOf(level: number): Waiting {
    const { elements, first } = this.#levels[level] as Level;
    const found = this.#found;
    found.level = level;
    found.id = elements[first + ID] as number;
    found.args = elements[first + ARGS];
    found.resolve = elements[first + RESOLVE] as Settle;
    found.reject = elements[first + REJECT] as Settle;
    found.terms = elements[first + TERMS] as TaskTerms | undefined;
    return found;
  }

  /** The first of a level, which `first` found, has its turn, or has failed. */
  shift(level: number): void {
    this.#drop(this.#levels[level] as Level);
    this.#left();
  }

  /** One with terms leaves from wherever it is: its terms say so, its place is dropped when it is the first. */
  left(): void {
    this.#left();
  }

  #left(): void {
    if (--this.#size === 0) for (const tell of this.#empty.splice(0)) tell();
  }

  #firstLevel(below: number, least: number): number {
    for (let bits = ((this.#occupied & ((1 << below) - 1)) >>> least) << least; bits !== 0;) {
      const index = 31 - Math.clz32(bits);
      const level = this.#levels[index] as Level;
      while (level.first < level.elements.length && hasLeft(level)) this.#drop(level);
      if (level.first < level.elements.length) return index;
      this.#occupied &= ~(1 << index);
      bits &= ~(1 << index);
    }
    return -1;
  }

  #drop(level: Level): void {
    const { elements, first } = level;
    for (let i = 0; i < STRIDE; i++) elements[first + i] = undefined;
    level.first += STRIDE;
    if (level.first === elements.length) {
      elements.length = 0;
      level.first = 0;
    } else if (level.first >= CUT_FROM && level.first * 2 >= elements.length) {
      elements.splice(0, level.first);
      level.first = 0;
    }
  }
}

function hasLeft({ elements, first }: Level): boolean {
  return (elements[first + TERMS] as TaskTerms | undefined)?.slot === ENDED;
}
