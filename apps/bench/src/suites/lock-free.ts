import { BoundedQueue, IndexStack, QUEUE_EMPTY, QUEUE_PUSHED } from '@corelane/lock-free';
import { Arena } from '@corelane/shared-memory';
import { type BatchCase, type BatchGroup, BYTES_PER_OP, type Suite } from '../suite.ts';
import { AtomicsQueue, EMPTY } from './lock-free/atomics-queue.ts';
import { BigintStack } from './lock-free/bigint-stack.ts';
import { deques } from './lock-free/deques.ts';
import { locks } from './lock-free/locks.ts';
import { framedRings, spscBlocks } from './lock-free/rings.ts';
import { stripedCounters } from './lock-free/striped.ts';
import { Held } from './state/held.ts';

const CAPACITY = 1024;
/** Half full: neither end is in the other's cache line. */
const FILLED = CAPACITY / 2;
const QUEUE = 'BoundedQueue.tryPush + tryPop';
const QUEUE_ON_ATOMICS = 'same queue, JS Atomics';
const STACK = 'IndexStack.pop + push';
const STACK_ON_ATOMICS = 'same stack, BigInt Atomics';
const MANY = 16;

const arena = (): Arena => Arena.create({ bytes: 1 << 16 });

const empty: BatchCase = {
  name: 'empty loop',
  role: 'empty',
  batch(operations) {
    let successful = 0;
    for (let operation = 0; operation < operations; operation++) successful++;
    return successful;
  },
  check: () => undefined,
};

const expect = (what: string, found: number, expected: number): string | undefined =>
  found === expected ? undefined : `${what} ${found}, expected ${expected}`;

function queue(): BatchCase {
  const held = new Held<BoundedQueue>();
  return {
    name: QUEUE,
    role: 'ours',
    allocation: true,
    setup() {
      const made = held.set(BoundedQueue.create(arena(), { capacity: CAPACITY }));
      for (let i = 0; i < FILLED; i++) made.tryPush(i);
    },
    batch(operations) {
      const made = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++)
        if (made.tryPush(operation & 0xffff) === QUEUE_PUSHED && made.tryPop() !== QUEUE_EMPTY) successful++;
      return successful;
    },
    check: () => expect('values left', held.get().size, FILLED),
    teardown: () => void held.take(),
  };
}

function queueOnAtomics(): BatchCase {
  const held = new Held<AtomicsQueue>();
  return {
    name: QUEUE_ON_ATOMICS,
    role: 'peer',
    allocation: true,
    setup() {
      const made = held.set(new AtomicsQueue(CAPACITY));
      for (let i = 0; i < FILLED; i++) made.tryPush(i);
    },
    batch(operations) {
      const made = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++)
        if (made.tryPush(operation & 0xffff) && made.tryPop() !== EMPTY) successful++;
      return successful;
    },
    check() {
      let left = 0;
      while (held.get().tryPop() !== EMPTY) left++;
      return expect('values left', left, FILLED);
    },
    teardown: () => void held.take(),
  };
}

function ringOfOneThread(): BatchCase {
  const held = new Held<{ ring: Int32Array; head: number; tail: number }>();
  return {
    name: 'Int32Array ring of one thread',
    role: 'peer',
    note: 'what sharing costs: this one is not shared',
    setup: () => void held.set({ ring: new Int32Array(CAPACITY), head: 0, tail: FILLED }),
    batch(operations) {
      const made = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        if (made.tail - made.head === CAPACITY) continue;
        made.ring[made.tail++ % CAPACITY] = operation & 0xffff;
        if ((made.ring[made.head++ % CAPACITY] as number) >= 0) successful++;
      }
      return successful;
    },
    check: () => expect('values left', held.get().tail - held.get().head, FILLED),
    teardown: () => void held.take(),
  };
}

function stack(): BatchCase {
  const held = new Held<IndexStack>();
  return {
    name: STACK,
    role: 'ours',
    allocation: true,
    setup: () => void held.set(IndexStack.create(arena(), { capacity: CAPACITY })),
    batch(operations) {
      const made = held.get();
      for (let operation = 0; operation < operations; operation++) made.push(made.pop());
      return operations;
    },
    check: () => expect('indices left', held.get().size, CAPACITY),
    teardown: () => void held.take(),
  };
}

function stackInBulk(): BatchCase {
  const held = new Held<IndexStack>();
  const out = new Int32Array(MANY);
  return {
    name: `IndexStack.popMany + pushMany, ${MANY} at once`,
    role: 'ours',
    allocation: true,
    note: 'one operation is one index',
    opsPerBatch: MANY,
    setup: () => void held.set(IndexStack.create(arena(), { capacity: CAPACITY })),
    batch(operations) {
      const made = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation += MANY) {
        successful += made.popMany(out);
        made.pushMany(out);
      }
      return successful;
    },
    check: () => expect('indices left', held.get().size, CAPACITY),
    teardown: () => void held.take(),
  };
}

function stackOnAtomics(): BatchCase {
  const held = new Held<BigintStack>();
  return {
    name: STACK_ON_ATOMICS,
    role: 'peer',
    allocation: true,
    note: 'no check for an index pushed twice',
    setup: () => void held.set(new BigintStack(CAPACITY)),
    batch(operations) {
      const made = held.get();
      for (let operation = 0; operation < operations; operation++) made.push(made.pop());
      return operations;
    },
    check() {
      let left = 0;
      while (held.get().pop() >= 0) left++;
      return expect('indices left', left, CAPACITY);
    },
    teardown: () => void held.take(),
  };
}

function arrayOfOneThread(): BatchCase {
  const held = new Held<number[]>();
  return {
    name: 'Array pop + push of one thread',
    role: 'peer',
    note: 'what sharing costs: this one is not shared',
    setup: () => void held.set(Array.from({ length: CAPACITY }, (_, index) => index)),
    batch(operations) {
      const made = held.get();
      for (let operation = 0; operation < operations; operation++) made.push(made.pop() as number);
      return operations;
    },
    check: () => expect('indices left', held.get().length, CAPACITY),
    teardown: () => void held.take(),
  };
}

const queues: BatchGroup = {
  kind: 'batch',
  name: 'queue',
  title: 'One value into the queue and one out, one thread',
  cases: [queue(), queueOnAtomics(), ringOfOneThread(), empty],
  claims: [
    { of: QUEUE_ON_ATOMICS, against: QUEUE, atLeast: 5 },
    { of: QUEUE, metric: BYTES_PER_OP, atMost: 0 },
  ],
};

const stacks: BatchGroup = {
  kind: 'batch',
  name: 'stack',
  title: 'One index from the stack and back, one thread',
  cases: [stack(), stackInBulk(), stackOnAtomics(), arrayOfOneThread(), empty],
  claims: [{ of: STACK, metric: BYTES_PER_OP, atMost: 0 }],
};

export const suite: Suite = {
  name: 'lock-free',
  title: 'Structures of lock-free against the same on JS Atomics and ringbuf.js',
  groups: [queues, stacks, deques, ...spscBlocks, ...framedRings, ...stripedCounters, ...locks],
};
