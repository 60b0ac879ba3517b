// Virtual threads as tries of histories. A node stands for a thread that has made certain accesses with certain results; it holds
// what the thread does next, found by running it once on that log. A state of the search then holds one node id a thread, and no
// thread runs again for a history that is known.
//
// Each node also sums up which words the thread was seen to read or write from there on: what the reduction goes by.
import { LOG_STRIDE, machine, PAUSE, runReplay, Strayed } from './machine.ts';
import type { MemoryTable } from './memory-table.ts';
import { isPlain, misplaced, NAMES, reads, size, writes, type Access } from './operation.ts';
import type { PhasedThread, Thread } from './scenario.ts';
import type { ViolationKind } from './violation.ts';

export const PENDING = 0;
export const DONE = 1;
export const FAILED = 2;
/** Led to the start of the next phase: `target` stands in for it. */
const PASSED = 3;

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
interface Program {
  readonly thread: Thread;
  readonly roots: Map<string, ThreadNode>;
}

/** Accesses of the longest loop that is recognised. */
const LONGEST_LOOP = 8;

/** Did the two histories end with the same access and result? */
function repeats(node: ThreadNode, earlier: ThreadNode): boolean {
  if (node.result !== earlier.result || node.low !== earlier.low || node.high !== earlier.high) return false;
  const one = node.parent!.access;
  const other = earlier.parent!.access;
  return (
    one.op === other.op &&
    one.at === other.at &&
    one.a === other.a &&
    one.b === other.b &&
    one.c === other.c &&
    one.d === other.d
  );
}

/** Where the history ends with `times` equal runs of accesses: the node one run earlier. */
function spinOf(node: ThreadNode, times: number): ThreadNode | undefined {
  for (let period = 1; period <= LONGEST_LOOP && period * times <= node.depth; period++) {
    let start = node;
    for (let i = 0; i < period; i++) start = start.parent!;
    let late = node;
    let early = start;
    let same = 0;
    while (same < period * (times - 1) && repeats(late, early)) {
      same++;
      late = late.parent!;
      early = early.parent!;
    }
    if (same === period * (times - 1)) return start;
  }
  return undefined;
}

const describe = ({ op, at }: Access): string => `${NAMES[op]!} (${size(op) * 8} bits) at ${at}`;

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value))
    return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
}

export class Threads {
  readonly nodes: ThreadNode[] = [];
  /** Nodes that are about to make an access. */
  accesses = 0;
  /** Some thread makes plain accesses. */
  anyPlain = false;
  readonly #memory: MemoryTable;
  readonly #bytes: number;
  /** Words of one bit set over the columns of memory. */
  #maskWords = 1;
  /** Per node: the words it reads from there on, then those it writes. */
  #footprints: Int32Array = new Int32Array(512);
  /** Per word: how wide the accesses to it are, in bytes, and who was first. */
  readonly #widths: Uint8Array;
  readonly #firstUse: string[] = [];
  readonly #programs = new Map<Thread, Program>();

  /** Repetitions after which a thread is taken to spin; 0: never. */
  readonly #spinAfter: number;

  constructor(bytes: number, spinAfter: number, memory: MemoryTable) {
    this.#memory = memory;
    this.#spinAfter = spinAfter;
    this.#bytes = bytes;
    this.#widths = new Uint8Array(bytes / 4);
  }

  /** The node of a thread that has not started. */
  start(thread: Thread): ThreadNode {
    let program = this.#programs.get(thread);
    if (!program) this.#programs.set(thread, (program = { thread, roots: new Map() }));
    return typeof thread === 'function'
      ? this.#enter(program, '')
      : this.#enter(program, JSON.stringify(thread.start));
  }

  /** The node after the pending access of `node` returned `result` (and observed the halves). */
  next(node: ThreadNode, result: number, low: number, high: number): ThreadNode {
    for (let child = node.firstChild; child; child = child.nextSibling)
      if (child.result === result && child.low === low && child.high === high) return child.target;
    const child = this.#node(node.program, node, result, low, high);
    child.nextSibling = node.firstChild;
    node.firstChild = child;
    const earlier = this.#spinAfter > 0 ? spinOf(child, this.#spinAfter) : undefined;
    if (earlier) this.#lead(child, earlier);
    else this.#run(child);
    return child.target;
  }

  /** Was a thread seen to touch one of these words from `node` on; for a reader, to write one? */
  touches(node: ThreadNode, column: number, width: number, onlyWrites: boolean): boolean {
    const base = node.id * this.#maskWords * 2;
    for (let each = column; each < column + width; each++) {
      const at = base + (each >> 5);
      const bit = 1 << (each & 31);
      if ((this.#footprints[at + this.#maskWords]! & bit) !== 0) return true;
      if (!onlyWrites && (this.#footprints[at]! & bit) !== 0) return true;
    }
    return false;
  }

  #node(
    program: Program,
    parent: ThreadNode | undefined,
    result: number,
    low: number,
    high: number,
  ): ThreadNode {
    const node = new ThreadNode(this.nodes.length, program, parent, result, low, high);
    this.nodes.push(node);
    if (this.nodes.length * this.#maskWords * 2 > this.#footprints.length) {
      const grown = new Int32Array(this.#footprints.length * 2);
      grown.set(this.#footprints);
      this.#footprints = grown;
    }
    return node;
  }

  /** The start of a phase with this state (as JSON); known states share one node. */
  #enter(program: Program, input: string): ThreadNode {
    const known = program.roots.get(input);
    if (known) return known.target;
    const root = this.#node(program, undefined, 0, 0, 0);
    root.input = input;
    program.roots.set(input, root);
    if (typeof program.thread === 'function') this.#run(root);
    else if (program.thread.isDone(JSON.parse(input)))
      this.#finish(root, program.thread.result(JSON.parse(input)));
    else this.#run(root);
    return root.target;
  }

  #finish(node: ThreadNode, value: unknown): void {
    freeze(value);
    node.status = DONE;
    node.value = value;
  }

  #fail(node: ThreadNode, kind: ViolationKind, why: string, cause?: unknown): void {
    node.status = FAILED;
    node.failure = cause === undefined ? { kind, why } : { kind, why, cause };
  }

  /** Runs the thread on the log of `node` to find what comes next. */
  #run(node: ThreadNode): void {
    const { thread } = node.program;
    let root = node;
    if (machine.log.length < node.depth * LOG_STRIDE)
      machine.log = new Int32Array(node.depth * LOG_STRIDE * 2);
    for (; root.parent; root = root.parent) {
      const entry = (root.depth - 1) * LOG_STRIDE;
      machine.log[entry] = root.parent.access.op;
      machine.log[entry + 1] = root.parent.access.at;
      machine.log[entry + 2] = root.result;
      machine.log[entry + 3] = root.low;
      machine.log[entry + 4] = root.high;
    }
    let value: unknown;
    try {
      value = runReplay(
        node.depth,
        typeof thread === 'function' ? thread : () => thread.run(JSON.parse(root.input)),
      );
    } catch (error) {
      if (error === PAUSE) this.#pend(node);
      else if (error instanceof Strayed) this.#fail(node, 'nondeterminism', error.message);
      else this.#fail(node, 'exception', `a thread threw ${String(error)}`, error);
      return;
    }
    if (machine.paused)
      this.#fail(node, 'nondeterminism', 'the thread caught the pause that the search throws through it');
    else if (machine.position < node.depth)
      this.#fail(
        node,
        'nondeterminism',
        `a run of ${node.depth} accesses ended after ${machine.position} on the next run`,
      );
    else if (typeof thread === 'function') this.#finish(node, value);
    else this.#pass(node, thread, value);
  }

  /** A phase ended with this state. */
  #pass(node: ThreadNode, thread: PhasedThread, state: unknown): void {
    node.status = PASSED;
    const target = this.#enter(node.program, JSON.stringify(state));
    if (target.status === PASSED)
      return this.#fail(node, 'livelock', `${thread.label}: a phase makes no access and leads to itself`);
    this.#lead(node, target);
  }

  /** `target` stands in for `node` from now on. */
  #lead(node: ThreadNode, target: ThreadNode): void {
    node.status = PASSED;
    node.target = target;
    target.entries.push(node);
    if (this.#include(target, node)) this.#spread(node);
  }

  /** The thread paused before an access. */
  #pend(node: ThreadNode): void {
    const access = machine.pending;
    const place = misplaced(access, this.#bytes);
    if (place !== undefined) return this.#fail(node, 'bounds', place);
    const other = this.#otherWidth(access);
    if (other !== undefined)
      return this.#fail(node, 'mixed-size', `${describe(access)} and ${other} access the same bytes`);
    this.accesses++;
    node.access = access;
    node.width = size(access.op) >> 2;
    node.column = this.#memory.column(access.at >> 2, node.width);
    node.plain = isPlain(access.op);
    node.writes = writes(access.op);
    if (node.plain) this.anyPlain = true;
    this.#mark(node, reads(access.op), node.writes);
  }

  /** The first access to these bytes, where it had another width. */
  #otherWidth(access: Access): string | undefined {
    const bytes = size(access.op);
    for (let word = access.at >> 2; word < (access.at + bytes) >> 2; word++) {
      if (this.#widths[word] === 0) {
        this.#widths[word] = bytes;
        this.#firstUse[word] = describe(access);
      } else if (this.#widths[word] !== bytes) return this.#firstUse[word];
    }
    return undefined;
  }

  #mark(node: ThreadNode, read: boolean, write: boolean): void {
    while (node.column + node.width > this.#maskWords * 32) this.#widen();
    const base = node.id * this.#maskWords * 2;
    for (let column = node.column; column < node.column + node.width; column++) {
      const bit = 1 << (column & 31);
      const at = base + (column >> 5);
      if (read) this.#footprints[at]! |= bit;
      if (write) this.#footprints[at + this.#maskWords]! |= bit;
    }
    this.#spread(node);
  }

  /** Doubles the columns that a footprint has room for. */
  #widen(): void {
    const words = this.#maskWords;
    const wide = new Int32Array(this.#footprints.length * 2);
    for (let from = 0; from < this.#footprints.length; from += words)
      wide.set(this.#footprints.subarray(from, from + words), from * 2);
    this.#footprints = wide;
    this.#maskWords = words * 2;
  }

  /** Adds the footprint of `from` to that of `into`; did it grow? */
  #include(from: ThreadNode, into: ThreadNode): boolean {
    const words = this.#maskWords * 2;
    let grew = false;
    for (let i = 0, at = from.id * words, to = into.id * words; i < words; i++, at++, to++) {
      const sum = this.#footprints[to]! | this.#footprints[at]!;
      if (sum === this.#footprints[to]) continue;
      this.#footprints[to] = sum;
      grew = true;
    }
    return grew;
  }

  /** Carries a grown footprint to all nodes from which the thread may come here. */
  #spread(node: ThreadNode): void {
    const grown = [node];
    for (let from = grown.pop(); from; from = grown.pop()) {
      if (from.parent && this.#include(from, from.parent)) grown.push(from.parent);
      for (const entry of from.entries) if (this.#include(from, entry)) grown.push(entry);
    }
  }
}
