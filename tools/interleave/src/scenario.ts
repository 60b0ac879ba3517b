// What a scenario is, and how it is checked before the search starts.
import { InterleaveError } from './machine.ts';

/**
 * Code of one virtual thread: calls kernels and returns something that `check` can judge. It is run many times, so it must be a
 * function of what its accesses return alone: no outer variables, no clock, no randomness. The same function given twice makes
 * two interchangeable threads, and the search uses that.
 */
export type ThreadFunction = () => unknown;

/** A thread in phases: see `phases` and `repeat`. */
export interface PhasedThread {
  /** Stands in traces. */
  readonly label: string;
  readonly start: unknown;
  /** May a run lead back to a state that was before? */
  readonly isCyclic: boolean;
  isDone(state: unknown): boolean;
  run(state: unknown): unknown;
  result(state: unknown): unknown;
}

export type Thread = ThreadFunction | PhasedThread;

/** A range of bytes. */
export interface Range {
  readonly at: number;
  readonly bytes: number;
}

export interface Scenario {
  readonly name?: string;
  /** Size of the memory, a multiple of 8; it starts as zeros. */
  readonly bytes: number;
  /** Runs once, straight through, before the threads. */
  readonly setup?: () => void;
  readonly threads: readonly Thread[];
  /** Judges an end: all threads have finished, `results` holds what they returned. Returns (or throws) what is wrong. */
  readonly check?: (results: readonly any[]) => string | undefined;
  /** Judges every state; must be a function of the memory alone. Returns (or throws) what is wrong. */
  readonly invariant?: () => string | undefined;
  /** Names of addresses, for traces. */
  readonly names?: Readonly<Record<number, string>>;
  /** Where plain accesses may race: the algorithm throws away what it read there (default: nowhere). */
  readonly allowRaces?: readonly Range[];
  /** Switches away from a thread that could have gone on, at most (default: no limit). */
  readonly preemptions?: number;
  /** Steps of one thread (of one phase, for a thread in phases) beyond which it is cut off (default 100). */
  readonly maxSteps?: number;
  /** States beyond which the search stops (default 5 million). */
  readonly maxStates?: number;
  /** Return what was found where the search was cut off, instead of throwing (default false). */
  readonly allowTruncated?: boolean;
  /**
   * A thread that makes the same accesses (up to 8) with the same results this many times in a row is in a loop that keeps no count:
   * its next iteration is the last one again. Makes spin and retry loops inside a kernel finite. Your claim, and wrong for
   * code that repeats itself that often without being a loop, so give more than that (default: no loop is assumed).
   */
  readonly spinAfter?: number;
  /** Skip interleavings of steps that can not influence each other (default true). */
  readonly reduction?: boolean;
}

/** Most threads of a scenario: what a step's encoding has room for. */
const MAX_THREADS = 12;

/**
 * A thread that runs `steps` one after the other, each given what the one before returned, the first `start`; the last state is
 * the thread's result. At each boundary the search forgets how the thread got there and keeps only the state, so that histories
 * with one state merge: far fewer states than one function. States must survive JSON; a step may change the state it is given.
 */
export function phases<S>(start: S, ...steps: readonly ((state: S) => S)[]): PhasedThread {
  type At = [phase: number, state: S];
  return {
    label: 'phases',
    start: [0, start] satisfies At,
    isCyclic: false,
    isDone: (state) => (state as At)[0] === steps.length,
    run: (state) => {
      const [phase, given] = state as At;
      return [phase + 1, steps[phase]!(given)];
    },
    result: (state) => (state as At)[1],
  };
}

/**
 * A thread that runs `body` until `until` holds for its state: a retry or spin loop. An iteration that ends in the state in which it
 * began leads back to a known state, so a loop with no bound is searched completely; that it can always end is checked (`livelock`).
 */
export function repeat<S>(start: S, body: (state: S) => S, until: (state: S) => boolean): PhasedThread {
  return {
    label: 'repeat',
    start,
    isCyclic: true,
    isDone: (state) => until(state as S),
    run: (state) => body(state as S),
    result: (state) => state,
  };
}

export function validate(scenario: Scenario): void {
  const fail = (why: string): never => {
    throw new InterleaveError('ERR_SCENARIO', `${scenario.name ?? 'scenario'}: ${why}`);
  };
  const { bytes, threads, maxSteps, maxStates, preemptions, spinAfter } = scenario;
  if (!Number.isInteger(bytes) || bytes <= 0 || bytes % 8 !== 0)
    fail(`bytes is ${bytes}, expected a positive multiple of 8`);
  if (threads.length === 0 || threads.length > MAX_THREADS)
    fail(`${threads.length} threads, expected 1 to ${MAX_THREADS}`);
  for (const [name, value, least] of [
    ['maxSteps', maxSteps, 1],
    ['maxStates', maxStates, 1],
    ['preemptions', preemptions, 0],
    ['spinAfter', spinAfter, 2],
  ] as const)
    if (value !== undefined && (!Number.isInteger(value) || value < least))
      fail(`${name} is ${value}, expected an integer of at least ${least}`);
}
