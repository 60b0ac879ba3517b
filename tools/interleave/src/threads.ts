// Virtual threads as tries of histories. A node stands for a thread that has made certain accesses with certain results; it holds
// what the thread does next, found by running it once on that log. A state of the search then holds one node id a thread, and no
// thread runs again for a history that is known.
//
// Each node also sums up which words the thread was seen to read or write from there on: what the reduction goes by.
import { Footprints } from './footprints.ts';
import { LOG_STRIDE, machine, PAUSE, runReplay, Strayed } from './machine.ts';
import type { MemoryTable } from './memory-table.ts';
import { isPlain, misplaced, NAMES, reads, size, writes, type Access } from './operation.ts';
import type { PhasedThread, Thread } from './scenario.ts';
import { spinOf } from './spin.ts';
import { DONE, FAILED, PASSED, type Program, ThreadNode } from './thread-node.ts';
import type { ViolationKind } from './violation.ts';

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
  readonly #footprints: Footprints = new Footprints();
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
    return this.#footprints.touches(node.id, column, width, onlyWrites);
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
    this.#footprints.reserve(this.nodes.length);
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
    if (this.#footprints.include(target.id, node.id)) this.#spread(node);
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
    this.#footprints.mark(node.id, node.column, node.width, reads(access.op), node.writes);
    this.#spread(node);
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

  /** Carries a grown footprint to all nodes from which the thread may come here. */
  #spread(node: ThreadNode): void {
    const grown = [node];
    for (let from = grown.pop(); from; from = grown.pop()) {
      if (from.parent && this.#footprints.include(from.id, from.parent.id)) grown.push(from.parent);
      for (const entry of from.entries) if (this.#footprints.include(from.id, entry.id)) grown.push(entry);
    }
  }
}
