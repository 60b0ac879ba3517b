// The search: breadth first over all states, so that the trace of a violation is short.
//
// State identity: contents of the memory + each thread's history of results + who is parked (+ who ran last and how often a
// thread was preempted, where that is bounded). Interchangeable threads are sorted, see step.ts; an end is then judged once for
// each way to hand the results to them, so the check need not be symmetric.
//
// Reduction (persistent sets of one): where a thread's next access is to words that no other thread touches from its history on
// (a load: writes), only that thread steps. Sound for ends, deadlocks, races and failed accesses: every other schedule can be
// reordered to begin with that step, and the pair of a race is never such a step. An invariant additionally sees the words that
// it reads: writes to them are never reduced. What threads touch is known only from the histories reached so far, so each
// reduced state is judged again when the queue is empty, and expanded where what has been learnt since forbids it; that
// repeats until nothing changes. At that fixpoint the sums are those of the full graph: take the shortest schedule on which a thread
// reaches an access that the sums lack; at each reduced state on the way its steps commute with the one taken, so the reduced
// graph has a schedule that reaches the same history. Where threads can come back to a state (`repeat`), a state is reduced only if
// the step leads to a new one, else a thread could be put off for ever. Under a preemption bound only the thread that ran last
// may be singled out: taking its step before the switch instead of after costs no preemption. README.md has the argument at length.
//
// Tried and rejected: sleep sets (with stored states they save steps, not states, and steps are cheap here); strings as state keys
// with every thread replayed in every state (eight times slower, measured); depth-first search (traces of hundreds of steps).
import { InterleaveError, machine, runStraight } from './machine.ts';
import { MemoryTable } from './memory-table.ts';
import { Op } from './operation.ts';
import { type Scenario, type Thread, validate } from './scenario.ts';
import { StateTable } from './state-table.ts';
import { MEMORY, PREEMPTIONS, SLOTS, Stepper } from './step.ts';
import { DONE, FAILED, PENDING, type ThreadNode } from './thread-node.ts';
import { Threads } from './threads.ts';
import { Tracer } from './trace.ts';
import { type Statistics, Violation, type ViolationKind } from './violation.ts';
import { findLivelock } from './livelock.ts';
import { arrangements } from './arrangements.ts';

const MAX_STEPS = 100;
const MAX_STATES = 5_000_000;

class Search {
  readonly #scenario: Scenario;
  readonly #threads: Threads;
  readonly #memory: MemoryTable;
  readonly #states: StateTable;
  readonly #stepper: Stepper;
  readonly #tracer: Tracer;
  readonly #count: number;
  readonly #cyclic: boolean;
  readonly #maxSteps: number;
  readonly #maxStates: number;
  readonly #preemptions: number;
  readonly #arrangements: readonly (readonly number[])[];
  readonly #scratch: Int32Array;
  /** The record being expanded, and the one that a step leads to. */
  readonly #record: Int32Array;
  readonly #next: Int32Array;
  /** States of which only one thread was let on: state, position, ... */
  #reduced: number[] = [];
  /** Only where the graph can have cycles: from, to, ... */
  readonly #edges: number[] = [];
  readonly #endStates: number[] = [];
  readonly #steps: number[] = [];
  /** Words that the invariant was seen to read. */
  readonly #watched: Uint8Array;
  #memoriesJudged = 0;
  #transitions = 0;
  #ends = 0;
  #longest = 0;
  #full = false;
  /** Why and in which state the search was first cut off; it goes on elsewhere until it is full. */
  #cut: { why: string; state: number } | undefined;

  constructor(scenario: Scenario) {
    validate(scenario);
    this.#scenario = scenario;
    this.#scratch = new Int32Array(scenario.bytes / 4);
    if (scenario.setup) runStraight(this.#scratch, scenario.setup);
    this.#memory = new MemoryTable(this.#scratch);
    this.#threads = new Threads(scenario.bytes, scenario.spinAfter ?? 0, this.#memory);
    this.#count = scenario.threads.length;
    this.#states = new StateTable(SLOTS + this.#count);
    this.#stepper = new Stepper(
      scenario.threads,
      this.#threads,
      this.#memory,
      scenario.preemptions !== undefined,
    );
    this.#tracer = new Tracer(scenario, this.#states, this.#memory, this.#stepper);
    this.#cyclic =
      scenario.spinAfter !== undefined ||
      scenario.threads.some((thread: Thread) => typeof thread !== 'function' && thread.isCyclic);
    this.#maxSteps = scenario.maxSteps ?? MAX_STEPS;
    this.#maxStates = scenario.maxStates ?? MAX_STATES;
    this.#preemptions = scenario.preemptions ?? Infinity;
    this.#arrangements = arrangements(this.#count, this.#stepper.groups);
    this.#record = new Int32Array(SLOTS + this.#count);
    this.#next = new Int32Array(SLOTS + this.#count);
    this.#watched = new Uint8Array(scenario.bytes / 4);
  }

  run(): Statistics {
    const first = this.#stepper.first(this.#scenario.threads);
    this.#next.set(first);
    this.#states.intern(first, -1, 0);
    this.#visit(0);
    if (this.#threads.accesses === 0)
      this.#fail('not-on-twin', 'no thread made an access: the scenario did not run on the twin', 0);
    for (let state = 0; ;) {
      for (; state < this.#states.count && !this.#full; state++) this.#expand(state);
      if (this.#full || !this.#judgeReduced()) break;
    }
    if (this.#cut) {
      if (!this.#scenario.allowTruncated) this.#fail('truncated', this.#cut.why, this.#cut.state);
    } else if (this.#cyclic) {
      const stuck = findLivelock(this.#states.count, this.#edges, this.#endStates);
      if (stuck !== undefined) this.#fail('livelock', 'from here on no schedule ends', stuck);
    }
    return this.#statistics();
  }

  #statistics(): Statistics {
    return {
      states: this.#states.count,
      transitions: this.#transitions,
      ends: this.#ends,
      complete: !this.#cut,
      longestTrace: this.#longest,
      accesses: this.#threads.accesses,
    };
  }

  #fail(kind: ViolationKind, why: string, state: number, cause?: unknown): never {
    const { lines } = this.#tracer.to(state);
    const options = cause === undefined ? undefined : { cause };
    const statistics = { ...this.#statistics(), complete: false };
    throw new Violation(kind, this.#scenario.name ?? 'scenario', why, lines, statistics, options);
  }

  /** Takes all steps from a state, or those of one thread where that is enough. */
  #expand(state: number): void {
    this.#states.read(state, this.#record);
    const single = this.#scenario.reduction === false ? -1 : this.#single();
    if (single >= 0) {
      const known = this.#states.count;
      this.#advance(state, single);
      if (!this.#cyclic || this.#states.count > known) {
        this.#reduced.push(state, single);
        return;
      }
    }
    let enabled = false;
    let unfinished = false;
    for (let position = 0; position < this.#count; position++) {
      if (this.#stepper.node(this.#record, position).status === PENDING) unfinished = true;
      if (position === single || this.#advance(state, position)) enabled = true;
    }
    if (unfinished && !enabled) this.#failDeadlock(state);
  }

  /** The reduced states whose reduction what was learnt since forbids are expanded now; were there any? */
  #judgeReduced(): boolean {
    const states = this.#reduced;
    const kept: number[] = [];
    for (let i = 0; i < states.length; i += 2) {
      const state = states[i]!;
      const single = states[i + 1]!;
      this.#states.read(state, this.#record);
      if (this.#isIndependent(single)) {
        kept.push(state, single);
        continue;
      }
      for (let position = 0; position < this.#count; position++)
        if (position !== single) this.#advance(state, position);
    }
    this.#reduced = kept;
    return kept.length < states.length;
  }

  /** A thread whose next step commutes with all that the others may ever do, or -1. */
  #single(): number {
    for (let position = 0; position < this.#count; position++) {
      if (!this.#stepper.isReady(this.#record, position)) continue;
      if (this.#preemptions !== Infinity && !this.#stepper.isCurrent(this.#record, position)) continue;
      if (this.#isIndependent(position)) return position;
    }
    return -1;
  }

  #isIndependent(position: number): boolean {
    const node = this.#stepper.node(this.#record, position);
    if (node.access.op === Op.wait || node.access.op === Op.notify || node.depth >= this.#maxSteps)
      return false;
    if (node.writes)
      for (let word = node.access.at >> 2, i = 0; i < node.width; i++)
        if (this.#watched[word + i] !== 0) return false;
    for (let other = 0; other < this.#count; other++) {
      if (other === position) continue;
      if (
        this.#threads.touches(this.#stepper.node(this.#record, other), node.column, node.width, !node.writes)
      )
        return false;
    }
    return true;
  }

  /** Takes the steps of one thread; false where it has none. A step that a bound forbids counts as one. */
  #advance(state: number, position: number): boolean {
    const steps = this.#steps;
    steps.length = 0;
    this.#stepper.steps(this.#record, position, steps);
    if (steps.length === 0) return false;
    if (this.#record[PREEMPTIONS]! >= this.#preemptions && this.#stepper.preempts(this.#record, position))
      return true;
    if (this.#stepper.node(this.#record, position).depth >= this.#maxSteps) {
      if (!this.#cut) {
        const who = this.#tracer.thread(this.#tracer.to(state).identities[position]!);
        this.#cut = { why: `${who} would make more than ${this.#maxSteps} accesses (maxSteps)`, state };
      }
      return true;
    }
    for (const step of steps) {
      this.#stepper.fire(this.#record, step, this.#next);
      this.#stepper.canonical(this.#next);
      this.#transitions++;
      const known = this.#states.count;
      const to = this.#states.intern(this.#next, state, step);
      if (this.#cyclic) this.#edges.push(state, to);
      if (to === known) this.#visit(to);
    }
    return true;
  }

  /** Judges a new state, of which `#next` is the record. */
  #visit(state: number): void {
    const record = this.#next;
    this.#longest = Math.max(this.#longest, this.#states.depth(state));
    if (this.#states.count > this.#maxStates) {
      this.#full = true;
      this.#cut ??= { why: `more than ${this.#maxStates} states (maxStates)`, state };
    }
    let finished = 0;
    for (let position = 0; position < this.#count; position++) {
      const node = this.#stepper.node(record, position);
      if (node.status === FAILED) this.#failThread(state, position, node);
      if (node.status === DONE) finished++;
    }
    if (this.#scenario.invariant && record[MEMORY]! >= this.#memoriesJudged)
      this.#judgeInvariant(state, this.#scenario.invariant);
    if (finished === this.#count) this.#judgeEnd(state);
    else if (this.#threads.anyPlain) this.#judgeRaces(state);
  }

  #judgeInvariant(state: number, invariant: () => string | undefined): void {
    this.#memoriesJudged = this.#next[MEMORY]! + 1;
    this.#call('invariant', state, () => {
      machine.watched = this.#watched;
      try {
        return invariant();
      } finally {
        machine.watched = undefined;
      }
    });
  }

  #judgeEnd(state: number): void {
    this.#ends++;
    this.#endStates.push(state);
    const { check } = this.#scenario;
    if (!check) return;
    const results = this.#scenario.threads.map(
      (_, position) => this.#stepper.node(this.#next, position).value,
    );
    for (const order of this.#arrangements)
      this.#call('check', state, () => check(order.map((position) => results[position])));
  }

  #call(kind: 'check' | 'invariant', state: number, callback: () => string | undefined): void {
    this.#memory.copy(this.#next[MEMORY]!, this.#scratch);
    let why: string | undefined;
    try {
      why = runStraight(this.#scratch, callback);
    } catch (error) {
      this.#fail(kind, String(error), state, error);
    }
    if (why !== undefined) this.#fail(kind, why, state);
  }

  #judgeRaces(state: number): void {
    const record = this.#next;
    for (let right = 1; right < this.#count; right++) {
      if (!this.#stepper.isReady(record, right)) continue;
      const one = this.#stepper.node(record, right);
      for (let left = 0; left < right; left++) {
        const other = this.#stepper.node(record, left);
        if (!(one.plain || other.plain) || !(one.writes || other.writes) || one.column !== other.column)
          continue;
        if (
          !this.#stepper.isReady(record, left) ||
          one.access.op === Op.notify ||
          other.access.op === Op.notify
        )
          continue;
        const { at } = one.access;
        if (this.#scenario.allowRaces?.some((range) => at >= range.at && at < range.at + range.bytes))
          continue;
        const { identities } = this.#tracer.to(state);
        const say = (position: number, node: ThreadNode): string =>
          `${this.#tracer.thread(identities[position]!)} ${this.#tracer.access(node)}`;
        this.#fail('race', `${say(left, other)} and ${say(right, one)} are both next`, state);
      }
    }
  }

  #failThread(state: number, position: number, node: ThreadNode): never {
    const { kind, why, cause } = node.failure!;
    const { identities } = this.#tracer.to(state);
    this.#fail(kind, `${this.#tracer.thread(identities[position]!)}: ${why}`, state, cause);
  }

  #failDeadlock(state: number): never {
    const { identities } = this.#tracer.to(state);
    const parked = identities.flatMap((identity, position) => {
      if (!this.#stepper.isParked(this.#record, position)) return [];
      const { at } = this.#stepper.node(this.#record, position).access;
      return [`${this.#tracer.thread(identity)} is parked on ${this.#tracer.address(at)}`];
    });
    this.#fail('deadlock', `${parked.join(', ')}, and nobody is left to wake them`, state);
  }
}

/**
 * Searches all interleavings of the threads of a scenario.
 * @throws {Violation} where one of them breaks a rule of the memory model, parks for ever, or fails the scenario's own checks;
 *   also where the search was cut off (unless `allowTruncated`) and where no thread ran on the twin
 * @throws {InterleaveError} where the scenario is malformed
 */
export function explore(scenario: Scenario): Statistics {
  if (machine.mode !== 'outside')
    throw new InterleaveError('ERR_SCENARIO', 'a search can not start within another search');
  return new Search(scenario).run();
}
