// Traces for people: one line a step, rebuilt from how each state was first reached.
//    12  t1 thief  compareExchange  front@0  0 -> 1  expected 0, desired 1
import type { MemoryTable } from './memory-table.ts';
import { NAMES, Op } from './operation.ts';
import type { Scenario } from './scenario.ts';
import type { StateTable } from './state-table.ts';
import { isTimeout, MEMORY, positionOf, type Stepper, wokenBy } from './step.ts';
import { FAILED, PENDING, type ThreadNode } from './thread-node.ts';

const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, '0');
const pair = (low: number, high: number): string => `0x${hex(high)}_${hex(low)}`;

export class Tracer {
  readonly #scenario: Scenario;
  readonly #states: StateTable;
  readonly #memory: MemoryTable;
  readonly #stepper: Stepper;

  constructor(scenario: Scenario, states: StateTable, memory: MemoryTable, stepper: Stepper) {
    this.#scenario = scenario;
    this.#states = states;
    this.#memory = memory;
    this.#stepper = stepper;
  }

  address(at: number): string {
    const name = this.#scenario.names?.[at];
    return name === undefined ? `@${at}` : `${name}@${at}`;
  }

  thread(identity: number): string {
    const code = this.#scenario.threads[identity]!;
    const label = typeof code === 'function' ? code.name : code.label;
    return label === '' ? `t${identity}` : `t${identity} ${label}`;
  }

  /** What a thread is about to do, or did last. */
  access(node: ThreadNode): string {
    if (node.status === FAILED) return node.failure!.why;
    if (node.status !== PENDING) return 'finished';
    const { access } = node;
    return `${node.plain ? 'plain ' : ''}${NAMES[access.op]!} ${this.address(access.at)}`;
  }

  /** The steps to a state, and which thread stands at which position there. */
  to(state: number): { lines: string[]; identities: number[] } {
    const path: number[] = [];
    let first = state;
    for (; this.#states.parent(first) >= 0; first = this.#states.parent(first))
      path.push(this.#states.step(first));
    let record = new Int32Array(this.#states.stride);
    let next = new Int32Array(this.#states.stride);
    this.#states.read(first, record);
    // The first record is canonical, and sorting it moved nobody: interchangeable threads start alike.
    const identities = this.#scenario.threads.map((_, position) => position);
    const lines: string[] = [];
    const width = Math.max(...identities.map((identity) => this.thread(identity).length));
    for (const step of path.toReversed()) {
      const who = this.thread(identities[positionOf(step)]!).padEnd(width);
      this.#stepper.fire(record, step, next);
      const what = this.#describe(record, step, next, identities);
      lines.push(`${String(lines.length + 1).padStart(4)}  ${who}  ${what}`);
      this.#stepper.canonical(next, identities);
      [record, next] = [next, record];
    }
    return { lines, identities };
  }

  #describe(record: Int32Array, step: number, next: Int32Array, identities: readonly number[]): string {
    const { access, column, width, plain } = this.#stepper.node(record, positionOf(step));
    const value = (memory: number): string => {
      const low = this.#memory.word(memory, column);
      if (width === 1) return String(low);
      return pair(low, this.#memory.word(memory, column + 1));
    };
    const before = value(record[MEMORY]!);
    const after = value(next[MEMORY]!);
    const head = `${`${plain ? 'plain ' : ''}${NAMES[access.op]!}`.padEnd(17)}  ${this.address(access.at)}`;
    const { op, a, b, c, d } = access;
    switch (op) {
      case Op.load:
      case Op.get:
      case Op.load64:
        return `${head}  ${before}`;
      case Op.compareExchange:
        return `${head}  ${before} -> ${after}  expected ${a}, desired ${b}${before === String(a) ? '' : ': failed'}`;
      case Op.compareExchange64:
        return `${head}  ${before} -> ${after}  expected ${pair(a, b)}, desired ${pair(c, d)}`;
      case Op.wait: {
        if (isTimeout(step)) return `${head}  times out`;
        if (!this.#stepper.isParked(next, positionOf(step)))
          return `${head}  ${before}, expected ${a}: goes on`;
        return `${head}  ${before}: parks, ${b < 0 ? 'no time-out' : `time-out ${b} us`}`;
      }
      case Op.notify: {
        const woken = identities.filter((_, position) => (wokenBy(step) & (1 << position)) !== 0);
        const whom = woken.length === 0 ? 'nobody' : woken.map((identity) => `t${identity}`).join(', ');
        return `${head}  wakes ${whom} (at most ${a < 0 ? 'all' : a})`;
      }
      default:
        return `${head}  ${before} -> ${after}`;
    }
  }
}
