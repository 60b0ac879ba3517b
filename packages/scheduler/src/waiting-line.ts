// Tasks of a client that wait for a slot, or for room in their lane: those that are pinned to a worker first, then the most urgent, and
// within a lane first come, first served.
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

interface Lane {
  readonly elements: unknown[];
  /** Index of the first one's elements. */
  first: number;
}

/** The first of a lane: valid until the line changes. */
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
  /** Lanes that are pinned to a worker, and have somebody, or have had. */
  readonly #pinned: number[] = [];
  #size = 0;
  /** Level of the last turn of a less urgent one. */
  #turn = 0;
  /** Told when nobody waits any more. */
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

  /** Whether a task of this lane would overtake somebody of its level or a higher one, or of those that are pinned to the same worker. */
  isAhead(lane: number): boolean {
    if (this.#size === 0) return false;
    if (lane >= LEVELS) return this.#pinned.includes(lane) && this.#hasFirst(lane);
    return this.#occupied >>> lane !== 0 && this.#firstLevel(LEVELS, lane) >= 0;
  }

  /** Settles when nobody waits. */
  empty(): Promise<void> {
    return this.#size === 0 ? Promise.resolve() : new Promise((resolve) => this.#empty.push(resolve));
  }

  push(
    lane: number,
    id: number,
    args: unknown,
    resolve: Settle,
    reject: Settle,
    terms: TaskTerms | undefined,
  ): void {
    const queue = (this.#lanes[lane] ??= { elements: [], first: 0 });
    queue.elements.push(id, args, resolve, reject, terms);
    if (lane < LEVELS) this.#occupied |= 1 << lane;
    else if (!this.#pinned.includes(lane)) this.#pinned.push(lane);
    this.#size++;
  }

  /** The first of the last lane below `below` that has somebody, or undefined. Those of workers are above those of levels. */
  first(below: number): Waiting | undefined {
    let lane = below > LEVELS && this.#pinned.length > 0 ? this.#firstPinned(below) : -1;
    if (lane < 0) lane = this.#firstLevel(Math.min(below, LEVELS), 0);
    return lane < 0 ? undefined : this.#firstOf(lane);
  }

  /** The first of a level below that of the last such turn, and below the most urgent one: each in turn. Where there is one level, its first; undefined where only pinned ones wait. */
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

  #firstOf(lane: number): Waiting {
    const { elements, first } = this.#lanes[lane] as Lane;
    const found = this.#found;
    found.lane = lane;
    found.id = elements[first + ID] as number;
    found.args = elements[first + ARGS];
    found.resolve = elements[first + RESOLVE] as Settle;
    found.reject = elements[first + REJECT] as Settle;
    found.terms = elements[first + TERMS] as TaskTerms | undefined;
    return found;
  }

  /** The first of a lane, which `first` found, has its turn, or has failed. */
  shift(lane: number): void {
    this.#drop(this.#lanes[lane] as Lane);
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
      const level = 31 - Math.clz32(bits);
      if (this.#hasFirst(level)) return level;
      this.#occupied &= ~(1 << level);
      bits &= ~(1 << level);
    }
    return -1;
  }

  #firstPinned(below: number): number {
    let last = -1;
    for (let i = this.#pinned.length - 1; i >= 0; i--) {
      const lane = this.#pinned[i] as number;
      if (!this.#hasFirst(lane)) this.#pinned.splice(i, 1);
      else if (lane < below && lane > last) last = lane;
    }
    return last;
  }

  /** Drops those in front that have left. @returns whether there is somebody */
  #hasFirst(index: number): boolean {
    const lane = this.#lanes[index] as Lane;
    while (lane.first < lane.elements.length && hasLeft(lane)) this.#drop(lane);
    return lane.first < lane.elements.length;
  }

  #drop(lane: Lane): void {
    const { elements, first } = lane;
    for (let i = 0; i < STRIDE; i++) elements[first + i] = undefined;
    lane.first += STRIDE;
    if (lane.first === elements.length) {
      elements.length = 0;
      lane.first = 0;
    } else if (lane.first >= CUT_FROM && lane.first * 2 >= elements.length) {
      elements.splice(0, lane.first);
      lane.first = 0;
    }
  }
}

function hasLeft({ elements, first }: Lane): boolean {
  return (elements[first + TERMS] as TaskTerms | undefined)?.slot === ENDED;
}
