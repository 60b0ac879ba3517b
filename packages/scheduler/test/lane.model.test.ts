// All interleavings of a lane by itself: each hint is taken once, in order, and a lane with a hint is found.
import { explore, killsMutants, phases, type Mutant, type Scenario } from '@corelane/interleave';
import { stealDeque } from '@corelane/lock-free/kernel/deque';
import { describe, expect, test } from 'vitest';
import * as kernel from '../kernel/lanes.ts';
import { NO_HINT } from '../src/layout.ts';
import { BYTES, dequeOf, LEVEL, NAMES, S, start } from './model.ts';

type Kernel = typeof kernel;
type Act = (got: readonly number[]) => readonly number[];

const CLIENT = 1;
const thread = (...acts: readonly Act[]): Scenario['threads'][number] =>
  phases([] as readonly number[], ...acts);

/** Pushes where there is room. @returns what went in */
const push =
  (k: Kernel, hint: number): Act =>
  (put) => {
    if (k.hasRoom(S, CLIENT, LEVEL) === 0) return put;
    k.pushHint(S, CLIENT, LEVEL, hint);
    return [...put, hint];
  };
const take =
  (k: Kernel): Act =>
  (got) => {
    const hint = k.takeHint(S, CLIENT, LEVEL);
    return hint === NO_HINT ? got : [...got, hint];
  };
/** Moves a batch to the worker's deque, and takes all of it out. */
const takeBatch =
  (k: Kernel, worker: number): Act =>
  (got) => {
    const count = k.takeBatch(S, CLIENT, LEVEL, worker);
    return [...got, ...Array.from({ length: count }, () => stealDeque(dequeOf(worker)))];
  };
/** Looks for a lane with something in it. @returns its client, or -1 */
const seek =
  (k: Kernel): Act =>
  (got) => [...got, k.seekLane(S, LEVEL, 0)];

/** What is left, in order. */
function drain(k: Kernel): number[] {
  const left: number[] = [];
  for (
    let hint = k.takeHint(S, CLIENT, LEVEL);
    hint !== NO_HINT && left.length < 9;
    hint = k.takeHint(S, CLIENT, LEVEL)
  )
    left.push(hint);
  return left;
}

const once = (k: Kernel, [put, ...got]: readonly (readonly number[])[]): string | undefined => {
  for (const each of got)
    if (each.some((hint, i) => i > 0 && hint <= (each[i - 1] as number)))
      return `one worker got ${each.join()}`;
  const out = [...got.flat(), ...drain(k)].toSorted((a, b) => a - b);
  return out.join() === (put as readonly number[]).join()
    ? undefined
    : `in ${put?.join()}, out ${out.join()}`;
};

const scenario = (
  k: Kernel,
  name: string,
  share: number,
  threads: Scenario['threads'],
  check: (results: readonly (readonly number[])[]) => string | undefined = (results) => once(k, results),
  holds: readonly number[] = [],
): Scenario => ({
  name,
  bytes: BYTES,
  names: NAMES,
  setup: () => {
    start(2, 2, share, 1);
    for (const hint of holds) k.pushHint(S, CLIENT, LEVEL, hint);
  },
  threads,
  check: (results) => check(results as readonly (readonly number[])[]),
  maxSteps: 400,
});

const SCENARIOS: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario(k, 'two workers take what a client pushes, more than fits at once', 0, [
      thread(push(k, 1), push(k, 2), push(k, 3)),
      thread(take(k), take(k)),
      thread(take(k)),
    ]),
  (k) =>
    scenario(k, 'batches and single hints', 1, [
      thread(push(k, 1), push(k, 2), push(k, 3)),
      thread(takeBatch(k, 1)),
      thread(take(k), takeBatch(k, 2)),
    ]),
  (k) =>
    scenario(
      k,
      'a lane that is never empty is never taken for empty',
      0,
      [thread(take(k), push(k, 3), take(k), push(k, 4)), thread(seek(k))],
      ([, found]) => (found?.join() === String(CLIENT) ? undefined : `found ${found?.join()}`),
      [1, 2],
    ),
  (k) => {
    const found = scenario(
      k,
      'after a push the lane is found, whoever cleared its bit meanwhile',
      0,
      [thread(push(k, 2)), thread(seek(k)), thread(seek(k))],
      () => (k.seekLane(S, LEVEL, 0) === CLIENT ? undefined : 'not found'),
      [1],
    );
    return {
      ...found,
      setup: () => {
        found.setup?.();
        k.takeHint(S, CLIENT, LEVEL); // empty, with its bit set
      },
    };
  },
];

const MUTANTS: Mutant[] = [
  {
    name: 'a hint is taken without the exchange',
    find: 'return compareExchange(at + LANE_HEAD_TAIL, tail, (tail + 1) | 0) == tail ? cell & HINT : NO_HINT;',
    replace: 'store(at + LANE_HEAD_TAIL, (tail + 1) | 0); return cell & HINT;',
  },
  {
    name: 'a batch is taken without the exchange',
    find: 'if (compareExchange(at + LANE_HEAD_TAIL, tail, (tail + count) | 0) != tail) return 0;',
    replace: 'store(at + LANE_HEAD_TAIL, (tail + count) | 0);',
  },
  {
    name: 'a hint is read after it is claimed',
    find: 'const cell = load(cellAt(at, tail, shift)); // observe: pairs with publish in pushHint\n  if (lapIn(cell) != lapOf(tail, shift)) return NO_HINT;',
    replace: `if (lapIn(load(cellAt(at, tail, shift))) != lapOf(tail, shift)) return NO_HINT;
  if (compareExchange(at + LANE_HEAD_TAIL, tail, (tail + 1) | 0) == tail) return load(cellAt(at, tail, shift)) & HINT;
  return NO_HINT; const cell = 0;`,
  },
  {
    name: 'the lap of a hint is not looked at',
    find: 'if (lapIn(cell) != lapOf(tail, shift)) return NO_HINT;',
    replace: 'if (cell == 0) return NO_HINT;',
  },
  {
    name: 'a lane whose tail has moved on is taken for empty',
    find: 'if (again == tail) return 1;',
    replace: 'return 1;',
  },
  {
    name: 'a client does not look whether there is room',
    find: 'return ((head - get(at + LANE_HEAD_TAIL_SEEN)) | 0) < room ? 1 : 0;',
    replace: 'return 1;',
  },
  {
    name: 'the bit of a lane is cleared without another look',
    find: `      if (isEmpty(scheduler, client, lane) == 0) {
        or(word, bit);
        return client;
      }`,
    replace: '',
  },
  {
    name: 'a hint is stored plainly',
    find: 'store(cellAt(at, head, shift), hint',
    replace: 'set(cellAt(at, head, shift), hint',
    expect: 'race',
  },
];

describe('lanes, all interleavings', () => {
  test.each(SCENARIOS.map((make) => [make(kernel).name, make] as const))('%s', (_, make) => {
    expect(explore(make(kernel)).complete).toBe(true);
  });

  test('these scenarios kill every mutant', { timeout: 60_000 }, () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/lanes.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
