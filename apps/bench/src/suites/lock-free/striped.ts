// The striped counter against one word, with two threads and with one.
import { StripedCounter } from '@corelane/lock-free';
import { Arena } from '@corelane/shared-memory';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { pair } from './pair.ts';

const OURS = 'StripedCounter.add';
const WORD = 'Atomics.add on one word';

const expect = (found: number, operations: number): string | undefined =>
  found === operations ? undefined : `counted ${found}, expected ${operations}`;

const striped: BatchCase = pair({
  name: OURS,
  role: 'ours',
  together: false,
  make: () => {
    const counter = StripedCounter.create(Arena.create({ bytes: 1 << 16 }), { stripes: 4 });
    return {
      work: { kind: 'striped', handle: counter.handle },
      check: (operations) => expect(counter.sum(), operations),
    };
  },
});

const word: BatchCase = pair({
  name: WORD,
  role: 'peer',
  note: '32 bits: it wraps',
  together: false,
  make: () => {
    const words = new Int32Array(new SharedArrayBuffer(128));
    return {
      work: { kind: 'word', words },
      check: (operations) => expect(Atomics.load(words, 0), operations | 0),
    };
  },
});

function stripedAlone(): BatchCase {
  const held = new Held<StripedCounter>();
  return {
    name: OURS,
    role: 'ours',
    allocation: true,
    setup: () => void held.set(StripedCounter.create(Arena.create({ bytes: 1 << 16 }))),
    batch(operations) {
      const counter = held.get();
      for (let operation = 0; operation < operations; operation++) counter.add(1);
      return operations;
    },
    check: ({ operations }) => expect(held.get().sum(), operations),
    teardown: () => void held.take(),
  };
}

function wordAlone(): BatchCase {
  const held = new Held<Int32Array>();
  return {
    name: WORD,
    role: 'peer',
    note: '32 bits: it wraps',
    setup: () => void held.set(new Int32Array(new SharedArrayBuffer(128))),
    batch(operations) {
      const words = held.get();
      for (let operation = 0; operation < operations; operation++) Atomics.add(words, 0, 1);
      return operations;
    },
    check: ({ operations }) => expect(held.get()[0] as number, operations | 0),
    teardown: () => void held.take(),
  };
}

function plainAlone(): BatchCase {
  const held = new Held<Float64Array>();
  return {
    name: 'Float64Array slot of one thread',
    role: 'peer',
    note: 'one writer only: what perf-counters does',
    setup: () => void held.set(new Float64Array(1)),
    batch(operations) {
      const slot = held.get();
      for (let operation = 0; operation < operations; operation++) slot[0] = (slot[0] as number) + 1;
      return operations;
    },
    check: ({ operations }) => expect(held.get()[0] as number, operations),
    teardown: () => void held.take(),
  };
}

export const stripedCounters: readonly BatchGroup[] = [
  {
    kind: 'batch',
    name: 'counter-2',
    title: 'Two threads count at once',
    note: 'ns/op is the time until the last thread is done by all operations.',
    cases: [striped, word],
  },
  {
    kind: 'batch',
    name: 'counter-1',
    title: 'One thread counts',
    cases: [stripedAlone(), wordAlone(), plainAlone()],
  },
];
