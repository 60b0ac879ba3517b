// All interleavings of the queue's kernel, with a capacity of 2 and positions that wrap past 2^31.
import { explore, killsMutants, type Mutant, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import type * as Queue from '../kernel/bounded-queue.ts';
import * as queue from '../kernel/bounded-queue.ts';
import { boundedQueueRoot, QUEUE_EMPTY, QUEUE_FULL, QUEUE_PUSHED, queueCell } from '../src/layout.ts';

type Kernel = typeof Queue;

const AT = 0;
const CAPACITY = 2;
const START = 0x7fffffff;
const CELLS = AT + boundedQueueRoot.bytes;
const BYTES = CELLS + CAPACITY * queueCell.bytes;
const NAMES = {
  [AT + boundedQueueRoot.offset.tail]: 'tail',
  [AT + boundedQueueRoot.offset.head]: 'head',
  [CELLS]: 'sequence0',
  [CELLS + 4]: 'value0',
  [CELLS + 8]: 'sequence1',
  [CELLS + 12]: 'value1',
};

interface Log {
  readonly pushed: readonly number[];
  readonly popped: readonly number[];
}

/** Tries to push each value once; keeps what went in. */
const producer =
  (k: Kernel, ...values: readonly number[]) =>
  (): Log => ({ pushed: values.filter((value) => k.pushQueue(AT, value) === QUEUE_PUSHED), popped: [] });

/** Tries to pop `times` times; keeps what came out. */
const consumer = (k: Kernel, times: number) => (): Log => ({
  pushed: [],
  popped: Array.from({ length: times }, () => k.popQueue(AT)).filter((value) => value !== QUEUE_EMPTY),
});

/** What the threads left inside. Runs straight through, after they have ended. */
function rest(k: Kernel): number[] {
  const left: number[] = [];
  for (let value = k.popQueue(AT); value !== QUEUE_EMPTY && left.length <= CAPACITY; value = k.popQueue(AT))
    left.push(value);
  return left;
}

/** Nothing lost, invented or taken twice; what one thread pushed comes out in its order, as far as one thread took it. */
function conserved(k: Kernel, logs: readonly Log[], before: readonly number[] = []): string | undefined {
  const left = rest(k);
  const pushed = [...before, ...logs.flatMap((log) => log.pushed)];
  const popped = [...logs.flatMap((log) => log.popped), ...left];
  if (pushed.toSorted((a, b) => a - b).join() !== popped.toSorted((a, b) => a - b).join())
    return `pushed ${pushed.join()}, popped ${popped.join()}`;
  for (const taken of [...logs.map((log) => log.popped), left])
    for (const made of [before, ...logs.map((log) => log.pushed)]) {
      const order = taken.filter((value) => made.includes(value));
      if (order.join() !== made.filter((value) => order.includes(value)).join())
        return `pushed in the order ${made.join()}, taken in the order ${order.join()}`;
    }
  for (let i = 0; i < CAPACITY; i++)
    if (k.pushQueue(AT, i) === QUEUE_FULL) return `drained, it takes ${i} values, expected ${CAPACITY}`;
  return undefined;
}

const scenario = (
  name: string,
  kernel: Kernel,
  threads: Scenario['threads'],
  check: (logs: readonly Log[]) => string | undefined = (logs) => conserved(kernel, logs),
  before: readonly number[] = [],
): Scenario => ({
  name,
  bytes: BYTES,
  names: NAMES,
  setup: () => {
    kernel.initializeQueue(AT, CAPACITY, START);
    for (const value of before) kernel.pushQueue(AT, value);
  },
  threads,
  check,
});

const SCENARIOS = [
  (k: Kernel): Scenario =>
    scenario('one producer of three, two consumers: a lap and a half', k, [
      producer(k, 1, 2, 3),
      consumer(k, 2),
      consumer(k, 1),
    ]),
  (k: Kernel): Scenario =>
    scenario('two producers, one consumer', k, [producer(k, 1, 2), producer(k, 3), consumer(k, 2)]),
  (k: Kernel): Scenario =>
    scenario(
      'a full queue is refilled while it is drained',
      k,
      [producer(k, 3, 4), consumer(k, 2)],
      (logs) => conserved(k, logs, [1, 2]),
      [1, 2],
    ),
  (k: Kernel): Scenario => {
    const threads = [producer(k, 1), producer(k, 2), producer(k, 3)];
    return scenario('with nobody popping, exactly two of three pushes find room', k, threads, (logs) => {
      const pushed = logs.flatMap((log) => log.pushed).length;
      return pushed === CAPACITY ? conserved(k, logs) : `${pushed} pushes went through`;
    });
  },
  (k: Kernel): Scenario => {
    const threads = [consumer(k, 1), consumer(k, 1)];
    return scenario(
      'with two values inside, each of two pops gets one',
      k,
      threads,
      (logs) => {
        const popped = logs.flatMap((log) => log.popped).length;
        return popped === 2 ? conserved(k, logs, [1, 2]) : `${popped} pops got something`;
      },
      [1, 2],
    );
  },
  (k: Kernel): Scenario =>
    scenario(
      'the size stays from 0 to the capacity',
      k,
      [
        producer(k, 3, 4),
        consumer(k, 1),
        (): Log => {
          const size = k.queueSize(AT);
          return { pushed: size < 0 || size > CAPACITY ? [size] : [], popped: [] };
        },
      ],
      (logs) => conserved(k, logs, [1]),
      [1],
    ),
];

const PUBLISH = 'store(cell + QUEUE_CELL_SEQUENCE, (position + 1) | 0);';
const RELEASE = 'store(cell + QUEUE_CELL_SEQUENCE, (position + capacity) | 0);';
const CLAIM_TAIL =
  'const seen = compareExchange(queue + BOUNDED_QUEUE_ROOT_TAIL, position, (position + 1) | 0);';
const CLAIM_HEAD =
  'const seen = compareExchange(queue + BOUNDED_QUEUE_ROOT_HEAD, position, (position + 1) | 0);';
const unclaimed = (word: string): string =>
  `const seen = load(queue + ${word}); if (seen == position) store(queue + ${word}, (position + 1) | 0);`;

const MUTANTS: Mutant[] = [
  {
    name: 'the sequence is published before the value',
    find: 'set(cell + QUEUE_CELL_VALUE, value);',
    replace: `${PUBLISH} set(cell + QUEUE_CELL_VALUE, value);`,
  },
  {
    name: 'the cell is released before the value is read',
    find: 'const value = get(cell + QUEUE_CELL_VALUE);',
    replace: `${RELEASE} const value = get(cell + QUEUE_CELL_VALUE);`,
  },
  {
    name: 'a push claims its position without a CAS',
    find: CLAIM_TAIL,
    replace: unclaimed('BOUNDED_QUEUE_ROOT_TAIL'),
  },
  {
    name: 'a pop claims its position without a CAS',
    find: CLAIM_HEAD,
    replace: unclaimed('BOUNDED_QUEUE_ROOT_HEAD'),
  },
  { name: 'a pop releases the cell for its own lap', find: RELEASE, replace: PUBLISH },
  {
    name: 'a push that lost the race says full',
    find: 'if (lead < 0) return QUEUE_FULL;',
    replace: 'if (lead != 0) return QUEUE_FULL;',
  },
  {
    name: 'a pop that lost the race says empty',
    find: 'if (lead < 0) return QUEUE_EMPTY;',
    replace: 'if (lead != 0) return QUEUE_EMPTY;',
  },
  {
    name: 'a push does not look whether the cell is free',
    find: 'if (lead < 0) return QUEUE_FULL;',
    replace: '',
  },
  {
    name: 'a push compares positions as if they never wrapped',
    find: 'const lead = (load(cell + QUEUE_CELL_SEQUENCE) - position) | 0;\n    if (lead < 0) return QUEUE_FULL;',
    replace:
      'const lead = load(cell + QUEUE_CELL_SEQUENCE) - position;\n    if (lead < 0) return QUEUE_FULL;',
  },
  {
    name: 'the value is handed over without the sequence',
    find: PUBLISH,
    replace: `set(cell + QUEUE_CELL_SEQUENCE, (position + 1) | 0);`,
    expect: 'race',
  },
  {
    name: 'the size is not limited to the capacity',
    find: 'return size < capacity ? size : capacity;',
    replace: 'return size;',
  },
];

describe('bounded queue, all interleavings', { timeout: 60_000 }, () => {
  test.each(SCENARIOS.map((make) => make(queue)))('$name', (each) => {
    const found = explore(each);
    expect(found.complete).toBe(true);
    expect(found.accesses).toBeGreaterThan(0);
  });

  test('these scenarios kill every mutant', () => {
    const { kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/bounded-queue.ts', import.meta.url),
      mutants: MUTANTS,
      scenarios: SCENARIOS,
    });
    expect(kills).toHaveLength(MUTANTS.length);
  });
});
