// The register that connects the twin with whoever runs code on it: the search (replaying a virtual thread) or a callback
// (running straight through). There is one, because kernels import the twin as a module.
//
// A virtual thread is a pure function of what its accesses returned so far: its log. A paused thread is only that log; to
// resume it, the search calls the function again and the twin answers from the log, up to the first access that is not in it.
import { apply, misplaced, NAMES, Op, size, type Access, type Outcome } from './operation.ts';

/** Thrown through a virtual thread at its first access beyond the log. */
export const PAUSE: Error = new Error('a virtual thread paused: only the search may catch this');

/** Misuse of the twin or of the search, as opposed to a `Violation` that the search found. */
export class InterleaveError extends Error {
  readonly code:
    | 'ERR_OUTSIDE_SEARCH'
    | 'ERR_STRAIGHT_ACCESS'
    | 'ERR_SCENARIO'
    | 'ERR_MUTANT'
    | 'ERR_MUTANT_SURVIVED';
  constructor(code: InterleaveError['code'], message: string) {
    super(message);
    this.name = 'InterleaveError';
    this.code = code;
  }
}

/** Thrown through a virtual thread that, run again with the same log, made another access than before. */
export class Strayed extends Error {
  override name = 'Strayed';
}

/** Words a log entry: operation, address, result, and the observed low and high half. */
export const LOG_STRIDE = 5;

interface Machine {
  mode: 'outside' | 'straight' | 'replay';
  /** Straight: the words that accesses go to. */
  words: Int32Array;
  /** Replay: the log, `length` entries of LOG_STRIDE words, and how many were answered. */
  log: Int32Array;
  length: number;
  position: number;
  paused: boolean;
  /** Replay: the access that paused the thread. */
  pending: Access;
  /** Straight: where set, the words that are accessed are marked here. */
  watched: Uint8Array | undefined;
  /** What `low()` and `high()` return. */
  low: number;
  high: number;
}

export const machine: Machine = {
  mode: 'outside',
  words: new Int32Array(0),
  log: new Int32Array(LOG_STRIDE * 64),
  length: 0,
  position: 0,
  paused: false,
  pending: { op: 0, at: 0, a: 0, b: 0, c: 0, d: 0 },
  watched: undefined,
  low: 0,
  high: 0,
};

const outcome: Outcome = { result: 0, low: 0, high: 0, nextLow: 0, nextHigh: 0 };

function straight(access: Access): number {
  const why = misplaced(access, machine.words.length * 4);
  if (why) throw new InterleaveError('ERR_STRAIGHT_ACCESS', why);
  const { words } = machine;
  const index = access.at >> 2;
  if (machine.watched) machine.watched.fill(1, index, index + (size(access.op) >> 2));
  if (access.op === Op.notify) return 0; // nobody is parked while a callback runs
  if (access.op === Op.wait) {
    if (words[index] !== access.a) return 1;
    throw new InterleaveError('ERR_STRAIGHT_ACCESS', `wait at ${access.at} would park a callback for ever`);
  }
  const wide = size(access.op) === 8;
  apply(access, words[index]!, wide ? words[index + 1]! : 0, outcome);
  words[index] = outcome.nextLow;
  if (wide) {
    words[index + 1] = outcome.nextHigh;
    machine.low = outcome.low;
    machine.high = outcome.high;
  }
  return outcome.result;
}

/** One access of the code that runs on the twin. */
export function step(op: number, at: number, a: number, b: number, c: number, d: number): number {
  if (machine.mode === 'replay') {
    if (machine.paused) throw PAUSE; // a `finally` of the thread goes on after the pause
    if (machine.position < machine.length) {
      const { log } = machine;
      const entry = machine.position++ * LOG_STRIDE;
      if (log[entry] !== op || log[entry + 1] !== at)
        throw new Strayed(
          `access ${machine.position} was ${NAMES[log[entry]!]!} at ${log[entry + 1]!}, on the next run it was ${NAMES[op]!} at ${at}`,
        );
      if (size(op) === 8) {
        machine.low = log[entry + 3]!;
        machine.high = log[entry + 4]!;
      }
      return log[entry + 2]!;
    }
    machine.pending = { op, at, a: a | 0, b: b | 0, c: c | 0, d: d | 0 };
    machine.paused = true;
    throw PAUSE;
  }
  if (machine.mode === 'straight') return straight({ op, at, a: a | 0, b: b | 0, c: c | 0, d: d | 0 });
  throw new InterleaveError(
    'ERR_OUTSIDE_SEARCH',
    `${NAMES[op]!} at ${at} on the model twin, outside a search: under vitest a kernel runs only within explore() of @corelane/interleave; use the package's Wasm build for anything else`,
  );
}

/** Runs a callback whose accesses go straight to `words`. */
export function runStraight<T>(words: Int32Array, callback: () => T): T {
  machine.mode = 'straight';
  machine.words = words;
  machine.low = machine.high = 0;
  try {
    return callback();
  } finally {
    machine.mode = 'outside';
  }
}

/** Runs a virtual thread on the log that `machine.log` holds, up to its end or to its next access (then throws PAUSE). */
export function runReplay<T>(length: number, thread: () => T): T {
  machine.mode = 'replay';
  machine.length = length;
  machine.position = 0;
  machine.paused = false;
  machine.low = machine.high = 0;
  try {
    return thread();
  } finally {
    machine.mode = 'outside';
  }
}

function word(at: number): number {
  if (machine.mode !== 'straight')
    throw new InterleaveError('ERR_OUTSIDE_SEARCH', 'peek and poke work in setup, check and invariant only');
  if (!Number.isInteger(at) || at < 0 || at % 4 !== 0 || at + 4 > machine.words.length * 4)
    throw new InterleaveError(
      'ERR_STRAIGHT_ACCESS',
      `${at} is not the address of a word: expected a multiple of 4 below ${machine.words.length * 4}`,
    );
  if (machine.watched) machine.watched[at >> 2] = 1;
  return at >> 2;
}

/** The 32-bit word at a byte address, in setup, check and invariant. A 64-bit word is two of them, low half first. */
export function peek(at: number): number {
  return machine.words[word(at)]!;
}

/** Sets the 32-bit word at a byte address, in setup (and, on a copy, in check and invariant). */
export function poke(at: number, value: number): void {
  machine.words[word(at)] = value;
}
