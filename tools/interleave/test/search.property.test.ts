// Random little programs: the search must find what a naive explorer finds, with and without reduction, symmetry and bounds.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { explore, peek, repeat, type Scenario, type Thread, Violation } from '../src/index.ts';
import { add, compareExchange, get, load, notify, set, store, wait } from '../src/twin.ts';
import { enumerate, type Found, type Instruction, type Program } from './oracle.ts';

const word = fc.constantFrom(0, 1, 2);
const value = fc.constantFrom(0, 1, 2);
const timeout = fc.constantFrom(-1, 5);
const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('load' as const), word, value, value) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('store' as const), word, value, value) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('add' as const), word, value, value) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('cas' as const), word, value, value) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('get' as const, 'set' as const), word, value, value) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('wait' as const), word, value, timeout) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('notify' as const), word, fc.constantFrom(-1, 1, 2), value) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('skipIf' as const), word, value, value) },
);
const program: fc.Arbitrary<Program> = fc.array(instruction, { minLength: 1, maxLength: 5 });
const programs = fc.oneof(
  fc.array(program, { minLength: 1, maxLength: 3 }),
  fc.tuple(program, program).map(([one, twice]): Program[] => [one, twice, twice]),
  // Two sleepers on one word, and one who wakes.
  fc
    .tuple(program, program, program, timeout, timeout, fc.constantFrom(-1, 1))
    .map(([waker, one, other, b, c, n]): Program[] => [
      [['store', 1, 1, 0], ['notify', 0, n, 0], ...waker.slice(0, 3)],
      [['wait', 0, 0, b], ...one.slice(0, 2)],
      [['wait', 0, 0, c], ...other.slice(0, 2)],
    ]),
);

interface At {
  readonly pc: number;
  readonly results: readonly number[];
}
const start: At = { pc: 0, results: [] };

/** One instruction. */
function execute(code: Program, { pc, results }: At): At {
  const [op, index, a, b] = code[pc]!;
  const at = index * 4;
  const after = (result: number | void): At => ({ pc: pc + 1, results: [...results, result ?? 0] });
  switch (op) {
    case 'skipIf':
      return { pc: (results.at(-1) ?? 0) === a ? pc + 2 : pc + 1, results };
    case 'load':
      return after(load(at));
    case 'store':
      return after(store(at, a));
    case 'get':
      return after(get(at));
    case 'set':
      return after(set(at, a));
    case 'add':
      return after(add(at, a));
    case 'cas':
      return after(compareExchange(at, a, b));
    case 'wait':
      return after(wait(at, a, b));
    case 'notify':
      return after(notify(at, a));
    default:
      throw new Error(`no instruction ${String(op)}`);
  }
}

const inOne = (code: Program): Thread => {
  return () => {
    let at = start;
    while (at.pc < code.length) at = execute(code, at);
    return at;
  };
};

/** Each instruction is a phase, and the state holds all results: as many histories as in one function. */
const inPhases = (code: Program): Thread =>
  repeat(
    start,
    (at) => execute(code, at),
    (at) => at.pc >= code.length,
  );

/** What the search finds, in the words of the oracle. */
function search(code: readonly Program[], options: Partial<Scenario>, make = inOne): Found {
  const found: Found = { ends: new Set(), values: new Set(), deadlock: false, race: false };
  const threads = new Map(code.map((each) => [each, make(each)]));
  try {
    explore({
      bytes: 16,
      threads: code.map((each) => threads.get(each)!),
      invariant: () => {
        found.values.add(`${peek(0)},${peek(4)}`);
        return undefined;
      },
      check: (results: readonly At[]) => {
        found.ends.add(JSON.stringify([[peek(0), peek(4), peek(8)], results.map((at) => at.results)]));
        return undefined;
      },
      ...options,
    });
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    if (error.kind === 'race') found.race = true;
    else if (error.kind === 'deadlock') found.deadlock = true;
    else throw error;
  }
  return found;
}

/** More by hand: INTERLEAVE_RUNS=20000. */
const RUNS = Number(process.env['INTERLEAVE_RUNS'] ?? 100);
const anywhere = { allowRaces: [{ at: 0, bytes: 16 }] };
/** Some thread starts with an access, so that the search does not refuse the program. */
const hasAccess = (code: readonly Program[]): boolean => code.some((each) => each[0]![0] !== 'skipIf');

/** A deadlock ends the search, so only without one is all else comparable. */
function comparable({ ends, values, deadlock }: Found, isWhole: boolean): unknown {
  return isWhole ? { deadlock, ends: [...ends].toSorted(), values: [...values].toSorted() } : { deadlock };
}

function agree(code: readonly Program[], options: Partial<Scenario>, make: typeof inOne): void {
  const oracle = enumerate(code, options.preemptions);
  const found = search(code, { ...anywhere, ...options }, make);
  expect(comparable(found, !oracle.deadlock)).toEqual(comparable(oracle, !oracle.deadlock));
  const { race, deadlock } = search(code, options, make);
  expect(race || (deadlock && oracle.race)).toBe(oracle.race);
}

test.each([
  ['reduced', {}, inOne],
  ['reduced, in phases', {}, inPhases],
  ['not reduced', { reduction: false }, inOne],
  ['no preemption', { preemptions: 0 }, inOne],
  ['one preemption', { preemptions: 1 }, inOne],
  ['one preemption, in phases', { preemptions: 1 }, inPhases],
  ['two preemptions, not reduced', { preemptions: 2, reduction: false }, inOne],
])('the search finds all ends, values, deadlocks and races of random programs: %s', (_, options, make) => {
  fc.assert(
    fc.property(programs.filter(hasAccess), (code) => agree(code, options, make)),
    { numRuns: RUNS },
  );
});

test('without an invariant to watch, reduction still finds all ends and deadlocks', () => {
  fc.assert(
    fc.property(programs.filter(hasAccess), (code) => {
      const oracle = enumerate(code);
      const found = search(code, { ...anywhere, invariant: () => undefined });
      const blind = { ...found, values: oracle.values };
      expect(comparable(blind, !oracle.deadlock)).toEqual(comparable(oracle, !oracle.deadlock));
    }),
    { numRuns: RUNS },
  );
});

test('reduced or not, each thread gets to the same histories', () => {
  fc.assert(
    fc.property(programs.filter(hasAccess), (code) => {
      fc.pre(!enumerate(code).deadlock);
      const threads = code.map(inOne);
      const [reduced, whole] = [true, false].map((reduction) =>
        explore({ bytes: 16, threads, reduction, ...anywhere }),
      );
      expect(reduced!.accesses).toBe(whole!.accesses);
      expect(reduced!.ends).toBe(whole!.ends);
      expect(reduced!.states).toBeLessThanOrEqual(whole!.states);
    }),
    { numRuns: RUNS },
  );
});
