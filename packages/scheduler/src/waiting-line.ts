// Tasks of a client that wait for a slot, or for room in their lane: those pinned to a worker first, then the most urgent, and within a lane first come,
// first served.
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
/** An id: of one that has left. */
const GONE = -1;
/** What has left is cut off when it is so many elements, and half of all. */
const CUT_FROM = 1024 * STRIDE;
/** Those who left from the middle are taken out when they are so many, and half of all. */
const SIFT_FROM = 32;

interface Lane {
  elements: unknown[];
  /** Index of the first one's elements. */
  first: number;
  /** Those who have left and are in it still. */
  gone: number;
}

/** One that was taken out: valid until the next is. */
export interface Waiting {
  lane: number;
  /** Index of its name. */
  id: number;
  args: unknown;
  resolve: Settle;
  reject: Settle;
  terms: TaskTerms | undefined;
}

const nothing = (): void => {};

export class WaitingLine {
  readonly #lanes: (Lane | undefined)[] = [];
  /** Bit l: level l has somebody, or has had. */
  #occupied = 0;
  /** The same of lanes of one worker. */
  readonly #pinned = new Set<number>();
  #size = 0;
  /** Level of the last turn of a less urgent one. */
  #turn = 0;
  #empty: (() => void)[] = [];
  readonly #found: Waiting = {
    lane: 0,
    id: 0,
    args: undefined,
    resolve: nothing,
    reject: nothing,
    terms: undefined,
  };

  get size(): number {
    return this.#size;
  }

  /** Those who wait, and those who have left and are in it still. */
  get kept(): number {
    return (
      this.#lanes.reduce((sum, lane) => sum + (lane ? lane.elements.length - lane.first : 0), 0) / STRIDE
    );
  }

  /** Whether a task of this lane would overtake somebody. */
  isAhead(lane: number): boolean {
    if (this.#size === 0) return false;
    if (lane >= LEVELS) return this.#pinned.has(lane) && this.#hasAny(lane);
    return this.#occupied >>> lane !== 0 && this.#firstLevel(LEVELS, lane) >= 0;
  }

  /** Settles when nobody waits, and `told` was called. */
  empty(): Promise<void> {
    return this.#size === 0 ? Promise.resolve() : new Promise((resolve) => this.#empty.push(resolve));
  }

  /** After one was taken out, or has left, and is not to come back. */
  told(): void {
    if (this.#size > 0) return;
    this.#found.args = undefined; // nobody's any more
    this.#found.terms = undefined;
    if (this.#empty.length > 0) for (const tell of this.#empty.splice(0)) tell();
  }

  push(
    lane: number,
    id: number,
    args: unknown,
    resolve: Settle,
    reject: Settle,
    terms: TaskTerms | undefined,
  ): void {
    const queue = (this.#lanes[lane] ??= { elements: [], first: 0, gone: 0 });
    queue.elements.push(id, args, resolve, reject, terms);
    this.#mark(lane);
    this.#size++;
  }

  /** Lanes of one worker in which somebody waits. */
  pinned(): number[] {
    return this.#pinned.size === 0 ? [] : [...this.#pinned].filter((lane) => this.#hasAny(lane));
  }

  /** Takes out the first of the most urgent level below `below`, or undefined. */
  take(below: number): Waiting | undefined {
    const level = this.#firstLevel(below, 0);
    return level < 0 ? undefined : this.#takeFirst(level);
  }

  /** Takes out the first of a level below that of the last such turn, and below the most urgent one: each in turn. Where there is one level, its first. */
  takeInTurn(): Waiting | undefined {
    let level = this.#firstLevel(this.#turn, 0);
    if (level < 0) {
      const top = this.#firstLevel(LEVELS, 0);
      if (top < 0) return undefined;
      level = this.#firstLevel(top, 0);
      if (level < 0) level = top;
    }
    this.#turn = level;
    return this.#takeFirst(level);
  }

  /** Takes out the first of a lane. */
  takeFrom(lane: number): Waiting | undefined {
    return this.#hasAny(lane) ? this.#takeFirst(lane) : undefined;
  }

  /** Takes out the newest of the least urgent level, where that is below the lane's. */
  takeNewestBelow(lane: number): Waiting | undefined {
    let bits = this.#occupied & ((1 << Math.min(lane, LEVELS)) - 1);
    for (; bits !== 0; bits &= bits - 1) {
      const level = 31 - Math.clz32(bits & -bits);
      if (!this.#hasAny(level)) continue;
      const queue = this.#lanes[level] as Lane;
      const { elements } = queue;
      while (hasLeft(queue, elements.length - STRIDE)) {
        elements.length -= STRIDE;
        queue.gone--;
      }
      const found = this.#read(level, elements.length - STRIDE);
      elements.length -= STRIDE;
      this.#size--;
      return found;
    }
    return undefined;
  }

  /** One that was taken out has no place yet: it is the first again. */
  putBack(
    lane: number,
    id: number,
    args: unknown,
    resolve: Settle,
    reject: Settle,
    terms: TaskTerms | undefined,
  ): void {
    const queue = this.#lanes[lane] as Lane;
    const { elements } = queue;
    if (queue.first < STRIDE) elements.splice(0, 0, id, args, resolve, reject, terms);
    else {
      queue.first -= STRIDE;
      elements[queue.first + ID] = id;
      elements[queue.first + ARGS] = args;
      elements[queue.first + RESOLVE] = resolve;
      elements[queue.first + REJECT] = reject;
      elements[queue.first + TERMS] = terms;
    }
    this.#mark(lane);
    this.#size++;
  }

  /** One with terms leaves from wherever it is: its terms say that it has ended. */
  left(lane: number): void {
    this.#size--;
    const queue = this.#lanes[lane] as Lane;
    queue.gone++;
    if (queue.gone >= SIFT_FROM && queue.gone * 2 > (queue.elements.length - queue.first) / STRIDE)
      sift(queue);
  }

  /** All with this end leave. @param end called with the terms of each that has some. @returns how many */
  takeBack(reject: Settle, end: (terms: TaskTerms) => void): number {
    if (this.#size === 0) return 0;
    let count = 0;
    for (const queue of this.#lanes) {
      if (queue === undefined) continue;
      const { elements } = queue;
      for (let at = queue.first; at < elements.length; at += STRIDE) {
        if (elements[at + REJECT] !== reject || hasLeft(queue, at)) continue;
        const terms = elements[at + TERMS] as TaskTerms | undefined;
        if (terms !== undefined) end(terms);
        elements[at + ID] = GONE;
        count++;
      }
      if (count > 0) sift(queue);
    }
    this.#size -= count;
    return count;
  }

  #mark(lane: number): void {
    if (lane < LEVELS) this.#occupied |= 1 << lane;
    else this.#pinned.add(lane);
  }

  #firstLevel(below: number, least: number): number {
    for (let bits = ((this.#occupied & ((1 << below) - 1)) >>> least) << least; bits !== 0;) {
      const index = 31 - Math.clz32(bits);
      if (this.#hasAny(index)) return index;
      bits &= ~(1 << index);
    }
    return -1;
  }

  /** Drops those before the first who is still there. */
  #hasAny(lane: number): boolean {
    const queue = this.#lanes[lane] as Lane;
    while (queue.first < queue.elements.length && hasLeft(queue, queue.first)) {
      queue.gone--;
      drop(queue);
    }
    if (queue.first < queue.elements.length) return true;
    if (lane < LEVELS) this.#occupied &= ~(1 << lane);
    else this.#pinned.delete(lane);
    return false;
  }

  /** There being one. */
  #takeFirst(lane: number): Waiting {
    const queue = this.#lanes[lane] as Lane;
    const found = this.#read(lane, queue.first);
    drop(queue);
    this.#size--;
    return found;
  }

  #read(lane: number, at: number): Waiting {
    const { elements } = this.#lanes[lane] as Lane;
    const found = this.#found;
    found.lane = lane;
    found.id = elements[at + ID] as number;
    found.args = elements[at + ARGS];
    found.resolve = elements[at + RESOLVE] as Settle;
    found.reject = elements[at + REJECT] as Settle;
    found.terms = elements[at + TERMS] as TaskTerms | undefined;
    return found;
  }
}

function hasLeft({ elements }: Lane, at: number): boolean {
  return elements[at + ID] === GONE || (elements[at + TERMS] as TaskTerms | undefined)?.slot === ENDED;
}

/** The first. */
function drop(queue: Lane): void {
  const { elements, first } = queue;
  for (let i = 0; i < STRIDE; i++) elements[first + i] = undefined;
  queue.first += STRIDE;
  if (queue.first === elements.length) {
    elements.length = 0;
    queue.first = 0;
  } else if (queue.first >= CUT_FROM && queue.first * 2 >= elements.length) {
    elements.splice(0, queue.first);
    queue.first = 0;
  }
}

/** Takes out all that have left. */
function sift(queue: Lane): void {
  const { elements, first } = queue;
  let kept = 0;
  for (let at = first; at < elements.length; at += STRIDE) {
    if (hasLeft(queue, at)) continue;
    for (let i = 0; i < STRIDE; i++) elements[kept + i] = elements[at + i];
    kept += STRIDE;
  }
  elements.length = kept;
  queue.first = 0;
  queue.gone = 0;
}
