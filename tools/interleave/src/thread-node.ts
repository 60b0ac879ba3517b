// A history of a virtual thread, and what the thread does after it.
import type { Access } from './operation.ts';
import type { Thread } from './scenario.ts';
import type { ViolationKind } from './violation.ts';

export const PENDING = 0;
export const DONE = 1;
export const FAILED = 2;
/** Led to the start of the next phase: `target` stands in for it. */
export const PASSED = 3;

export interface Failure {
  readonly kind: ViolationKind;
  readonly why: string;
  readonly cause?: unknown;
}

export class ThreadNode {
  readonly id: number;
  readonly program: Program;
  /** Undefined at the start of a phase. */
  readonly parent: ThreadNode | undefined;
  /** What the access of the parent returned. */
  readonly result: number;
  readonly low: number;
  readonly high: number;
  /** Accesses since the start of the phase. */
  readonly depth: number;
  target: ThreadNode = this;
  firstChild: ThreadNode | undefined;
  nextSibling: ThreadNode | undefined;
  /** At the start of a phase: the state that it is given, and the nodes that lead here. */
  input = '';
  readonly entries: ThreadNode[] = [];
  status: number = PENDING;
  /** While pending: the access that comes next, the column of its first word in the memory table, and its number of words. */
  access: Access = { op: 0, at: 0, a: 0, b: 0, c: 0, d: 0 };
  column = 0;
  width = 1;
  plain = false;
  writes = false;
  /** When done: what the thread returned. */
  value: unknown;
  failure: Failure | undefined;

  constructor(
    id: number,
    program: Program,
    parent: ThreadNode | undefined,
    result: number,
    low: number,
    high: number,
  ) {
    this.id = id;
    this.program = program;
    this.parent = parent;
    this.result = result;
    this.low = low;
    this.high = high;
    this.depth = parent ? parent.depth + 1 : 0;
  }
}

/** A thread's code; equal functions share one, and so one trie. */
export interface Program {
  readonly thread: Thread;
  readonly roots: Map<string, ThreadNode>;
}
