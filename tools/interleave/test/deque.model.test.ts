import { expect, test } from 'vitest';
import { explore, killsMutants, peek, phases, type Scenario, type Statistics } from '../src/index.ts';
import * as deque from './kernel/deque.ts';

const FRONT = 0;
const BACK = 4;
const MASK = 1;

type Kernel = typeof deque;
interface Taken {
  readonly got: readonly number[];
  readonly pushed: number;
}

/** The owner pushes 11 and 12, pops, pushes 13, pops twice: slots are used again. */
function scenario({ push, pop, steal }: Kernel, thieves: number, steals: number): Scenario {
  const owner = (): Taken => {
    let pushed = 0;
    for (const value of [11, 12]) pushed += push(0, MASK, value);
    const got = [pop(0, MASK)];
    pushed += push(0, MASK, 13);
    got.push(pop(0, MASK), pop(0, MASK));
    return { got, pushed };
  };
  const thief = (): Taken => ({ got: Array.from({ length: steals }, () => steal(0, MASK)), pushed: 0 });
  return {
    name: `deque, ${thieves} thieves, ${steals} steals`,
    bytes: 16,
    names: { 0: 'front', 4: 'back', 8: 'slot 0', 12: 'slot 1' },
    threads: [owner, ...Array.from({ length: thieves }, () => thief)],
    check: (results: readonly Taken[]) => {
      const got = results.flatMap((result) => result.got).filter((value) => value > 0);
      if (new Set(got).size !== got.length) return `taken twice: ${got.join()}`;
      if (got.some((value) => ![11, 12, 13].includes(value))) return `invented: ${got.join()}`;
      const left = peek(BACK) - peek(FRONT);
      const pushed = results[0]!.pushed;
      return got.length + left === pushed ? undefined : `took ${got.length}, left ${left}, pushed ${pushed}`;
    },
  };
}

/** The same with a boundary after each operation, so that histories with the same results merge. */
function inPhases(kernel: Kernel, thieves: number, steals: number): Scenario {
  const { push, pop, steal } = kernel;
  const pushes =
    (value: number) =>
    ({ got, pushed }: Taken): Taken => ({ got, pushed: pushed + push(0, MASK, value) });
  const pops = ({ got, pushed }: Taken): Taken => ({ got: [...got, pop(0, MASK)], pushed });
  const steals1 = ({ got, pushed }: Taken): Taken => ({ got: [...got, steal(0, MASK)], pushed });
  const none: Taken = { got: [], pushed: 0 };
  const thief = phases(none, ...Array.from({ length: steals }, () => steals1));
  const owner = phases(none, pushes(11), pushes(12), pops, pushes(13), pops, pops);
  return {
    ...scenario(kernel, thieves, steals),
    threads: [owner, ...Array.from({ length: thieves }, () => thief)],
  };
}

/** Prints what the README says about speed. */
function report(what: string, run: () => Statistics): Statistics {
  const start = performance.now();
  const result = run();
  const ms = performance.now() - start;
  console.log(
    `${what}: ${result.states} states, ${result.ends} ends in ${ms.toFixed(0)} ms, ${((result.states / ms) * 1000).toFixed(0)} states/s`,
  );
  return result;
}

test.each([
  [1, 2],
  [1, 3],
  [2, 1],
  [2, 2],
])('no item is lost or taken twice with %i thieves of %i steals', (thieves, steals) => {
  const make = scenario(deque, thieves, steals);
  const whole = report(`${make.name!}, not reduced`, () => explore({ ...make, reduction: false }));
  const reduced = report(`${make.name!}, reduced`, () => explore(make));
  const phased = report(`${make.name!}, in phases`, () => explore(inPhases(deque, thieves, steals)));
  expect(reduced.complete).toBe(true);
  expect(reduced.ends).toBe(whole.ends);
  expect(reduced.states).toBeLessThan(whole.states);
  expect(phased.complete).toBe(true);
  expect(phased.states).toBeLessThan(reduced.states);
});

test('the whole graph has as many states as an independent explorer counted', () => {
  const make = scenario(deque, 2, 2);
  const [owner, thief] = make.threads as [() => unknown, () => unknown];
  // Two functions, so that the thieves are not taken to be interchangeable.
  const { states, ends, complete } = report('deque, 2 thieves, 2 steals, every step', () =>
    explore({ ...make, threads: [owner, thief, () => thief()], reduction: false }),
  );
  expect({ states, ends, complete }).toEqual({ states: 487_884, ends: 16_792, complete: true });
});

/** A slot is used again while a thief may still read it. */
function reuse({ push, pop, steal }: Kernel): Scenario {
  const owner = () => {
    push(0, MASK, 11);
    pop(0, MASK);
    push(0, MASK, 12);
    push(0, MASK, 13);
  };
  const thief = () => [steal(0, MASK), steal(0, MASK)];
  return { name: 'deque, a slot used again', bytes: 16, threads: [owner, thief] };
}

test('wrong deques die', () => {
  const { kills } = killsMutants<Kernel>({
    kernel: new URL('./kernel/deque.ts', import.meta.url),
    scenarios: [reuse, (kernel) => scenario(kernel, 1, 3), (kernel) => inPhases(kernel, 2, 2)],
    mutants: [
      {
        name: 'push stores the item plainly',
        find: 'store((at + 8 + ((back & mask) << 2)) | 0, value);',
        replace: 'set((at + 8 + ((back & mask) << 2)) | 0, value);',
        expect: 'race',
      },
      {
        name: 'steal loads the item plainly',
        find: 'load((at + 8 + ((front & mask) << 2)) | 0);',
        replace: 'get((at + 8 + ((front & mask) << 2)) | 0);',
        expect: 'race',
      },
      {
        name: 'pop takes the last item without the exchange',
        find: 'const won = compareExchange(at, front, (front + 1) | 0) == front;',
        replace: 'const won = true;',
        expect: 'check',
      },
      {
        name: 'push publishes the item before it is there',
        find: `store((at + 8 + ((back & mask) << 2)) | 0, value);
  store(at + 4, (back + 1) | 0);`,
        replace: `store(at + 4, (back + 1) | 0);
  store((at + 8 + ((back & mask) << 2)) | 0, value);`,
        expect: 'check',
      },
      {
        name: 'pop loads front before it lowers back',
        find: `store(at + 4, back);
  const front = load(at);`,
        replace: `const front = load(at);
  store(at + 4, back);`,
        expect: 'check',
      },
      {
        name: 'steal loads back before front',
        find: `const front = load(at);
  const back = load(at + 4);
  if (((back - front) | 0) <= 0)`,
        replace: `const back = load(at + 4);
  const front = load(at);
  if (((back - front) | 0) <= 0)`,
        expect: 'check',
      },
      {
        name: 'steal takes an item without the exchange',
        find: 'return compareExchange(at, front, (front + 1) | 0) == front ? value : -1;',
        replace: 'store(at, (front + 1) | 0);\n  return value;',
        expect: 'check',
      },
    ],
  });
  expect(kills).toHaveLength(7);
});
