// States as records of words, and the steps between them.
//   record: [memory id, preemptions so far, slot of each thread]      slot: thread node id << 2 | CURRENT | PARKED
//   step:   position of the thread | TIMEOUT | positions of the threads that a notify wakes << WOKEN_SHIFT
// Threads that run the same function are interchangeable: `canonical` sorts their slots, so that states that differ only in which
// of them is which are one state.
import type { MemoryTable } from './memory-table.ts';
import { apply, Op, type Outcome } from './operation.ts';
import type { Thread } from './scenario.ts';
import { PENDING, type ThreadNode } from './thread-node.ts';
import type { Threads } from './threads.ts';

export const MEMORY = 0;
export const PREEMPTIONS = 1;
export const SLOTS = 2;

const PARKED = 1;
/** Made the last step; only kept where preemptions are bounded. */
const CURRENT = 2;
const NODE_SHIFT = 2;

const POSITION_MASK = 15;
const TIMEOUT = 16;
const WOKEN_SHIFT = 5;

export const positionOf = (step: number): number => step & POSITION_MASK;
export const isTimeout = (step: number): boolean => (step & TIMEOUT) !== 0;
export const wokenBy = (step: number): number => step >>> WOKEN_SHIFT;

function* subsets(of: readonly number[], count: number, from = 0): Generator<number> {
  if (count === 0) yield 0;
  else
    for (let i = from; i <= of.length - count; i++)
      for (const rest of subsets(of, count - 1, i + 1)) yield rest | (1 << of[i]!);
}

export class Stepper {
  readonly count: number;
  /** The groups of positions that run the same function. */
  readonly groups: readonly (readonly number[])[];
  readonly #threads: Threads;
  readonly #memory: MemoryTable;
  readonly #bounded: boolean;
  readonly #outcome: Outcome = { result: 0, low: 0, high: 0, nextLow: 0, nextHigh: 0 };

  constructor(code: readonly Thread[], threads: Threads, memory: MemoryTable, bounded: boolean) {
    this.count = code.length;
    this.groups = [...new Set(code)]
      .map((thread) => code.flatMap((other, position) => (other === thread ? [position] : [])))
      .filter((positions) => positions.length > 1);
    this.#threads = threads;
    this.#memory = memory;
    this.#bounded = bounded;
  }

  /** The record of the start, with memory as setup left it. */
  first(code: readonly Thread[]): Int32Array {
    const slots = code.map((thread) => this.#threads.start(thread).id << NODE_SHIFT);
    return Int32Array.of(0, 0, ...slots);
  }

  node(record: Int32Array, position: number): ThreadNode {
    return this.#threads.nodes[record[SLOTS + position]! >> NODE_SHIFT]!;
  }

  isParked(record: Int32Array, position: number): boolean {
    return (record[SLOTS + position]! & PARKED) !== 0;
  }

  /** Has the thread an access to make now? Not while parked. */
  isReady(record: Int32Array, position: number): boolean {
    return !this.isParked(record, position) && this.node(record, position).status === PENDING;
  }

  isCurrent(record: Int32Array, position: number): boolean {
    return (record[SLOTS + position]! & CURRENT) !== 0;
  }

  /** Would a step of this thread switch away from another one that could have gone on? */
  preempts(record: Int32Array, position: number): boolean {
    for (let other = 0; other < this.count; other++)
      if (other !== position && this.isCurrent(record, other)) return this.isReady(record, other);
    return false;
  }

  /** Appends the steps that a thread can make in this state. */
  steps(record: Int32Array, position: number, out: number[]): void {
    const node = this.node(record, position);
    if (node.status !== PENDING) return;
    const { op, at, a, b } = node.access;
    if (this.isParked(record, position)) {
      if (b >= 0) out.push(position | TIMEOUT);
    } else if (op === Op.notify) {
      const waiters: number[] = [];
      for (let other = 0; other < this.count; other++)
        if (this.isParked(record, other) && this.node(record, other).access.at === at) waiters.push(other);
      const woken = a < 0 ? waiters.length : Math.min(a, waiters.length);
      for (const mask of subsets(waiters, woken)) out.push(position | (mask << WOKEN_SHIFT));
    } else out.push(position);
  }

  /** Makes a step: `next` becomes the record after it, not yet canonical. */
  fire(record: Int32Array, step: number, next: Int32Array): void {
    next.set(record);
    const position = step & POSITION_MASK;
    const node = this.node(record, position);
    const memory = record[MEMORY]!;
    if (this.#bounded) {
      if (this.preempts(record, position)) next[PREEMPTIONS]! += 1;
      for (let i = SLOTS; i < next.length; i++) next[i]! &= ~CURRENT;
    }
    if ((step & TIMEOUT) !== 0) this.#advance(next, position, node, 2, 0, 0);
    else if (node.access.op === Op.wait) {
      if (this.#memory.word(memory, node.column) === node.access.a) next[SLOTS + position]! |= PARKED;
      else this.#advance(next, position, node, 1, 0, 0);
    } else if (node.access.op === Op.notify) {
      let woken = 0;
      for (let other = 0, mask = step >>> WOKEN_SHIFT; mask !== 0; other++, mask >>>= 1) {
        if ((mask & 1) === 0) continue;
        woken++;
        this.#advance(next, other, this.node(record, other), 0, 0, 0);
      }
      this.#advance(next, position, node, woken, 0, 0);
    } else {
      const outcome = this.#outcome;
      const { column } = node;
      const low = this.#memory.word(memory, column);
      if (node.width === 2) {
        apply(node.access, low, this.#memory.word(memory, column + 1), outcome);
        if (node.writes)
          next[MEMORY] = this.#memory.writePair(memory, column, outcome.nextLow, outcome.nextHigh);
        this.#advance(next, position, node, outcome.result, outcome.low, outcome.high);
      } else {
        apply(node.access, low, 0, outcome);
        if (node.writes) next[MEMORY] = this.#memory.write(memory, column, outcome.nextLow);
        this.#advance(next, position, node, outcome.result, 0, 0);
      }
    }
    if (this.#bounded) next[SLOTS + position]! |= CURRENT;
  }

  #advance(
    next: Int32Array,
    position: number,
    node: ThreadNode,
    result: number,
    low: number,
    high: number,
  ): void {
    next[SLOTS + position] = this.#threads.next(node, result, low, high).id << NODE_SHIFT;
  }

  /** Sorts the slots of interchangeable threads; `identities`, where given, goes along. */
  canonical(record: Int32Array, identities?: number[]): void {
    for (const positions of this.groups)
      for (let i = 1; i < positions.length; i++)
        for (let j = i; j > 0; j--) {
          const left = positions[j - 1]!;
          const right = positions[j]!;
          const slot = record[SLOTS + left]!;
          if (slot <= record[SLOTS + right]!) break;
          record[SLOTS + left] = record[SLOTS + right]!;
          record[SLOTS + right] = slot;
          if (identities) [identities[left], identities[right]] = [identities[right]!, identities[left]!];
        }
  }
}
