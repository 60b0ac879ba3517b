import { DEQUE_EMPTY, DEQUE_PUSHED, WorkStealingDeque, type DequeOwner } from '@corelane/lock-free';
import { Arena } from '@corelane/shared-memory';
import { type BatchCase, type BatchGroup, BYTES_PER_OP } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { AtomicsDeque, EMPTY } from './atomics-deque.ts';

const CAPACITY = 1024;
/** Half full: thieves and the owner are far from each other. */
const FILLED = CAPACITY / 2;
const MANY = 64;
const PAIR = 'WorkStealingDeque.tryPush + tryPop';
const PAIR_ON_ATOMICS = 'same deque, JS Atomics';

interface Pair {
  readonly deque: WorkStealingDeque;
  readonly owner: DequeOwner;
  readonly other: WorkStealingDeque;
  readonly robber: DequeOwner;
}

function made(order: 'lifo' | 'fifo'): Pair {
  const arena = Arena.create({ bytes: 1 << 16 });
  const deque = WorkStealingDeque.create(arena, { capacity: CAPACITY, order });
  const other = WorkStealingDeque.create(arena, { capacity: CAPACITY, order });
  const [owner, robber] = [deque.owner(), other.owner()];
  for (let i = 0; i < FILLED; i++) owner.tryPush(i);
  return { deque, owner, other, robber };
}

const left = (found: number): string | undefined =>
  found === FILLED ? undefined : `values left ${found}, expected ${FILLED}`;

/** One value in and one out. */
function ours(name: string, order: 'lifo' | 'fifo', take: (pair: Pair) => number): BatchCase {
  const held = new Held<Pair>();
  return {
    name,
    role: 'ours',
    allocation: true,
    setup: () => void held.set(made(order)),
    batch(operations) {
      const pair = held.get();
      const { owner } = pair;
      let successful = 0;
      for (let operation = 0; operation < operations; operation++)
        if (owner.tryPush(operation & 0xffff) === DEQUE_PUSHED && take(pair) !== DEQUE_EMPTY) successful++;
      return successful;
    },
    check: () => left(held.get().deque.size),
    teardown: () => void held.take(),
  };
}

/** Values moved from one deque to the other and back, many at once. */
function moved(order: 'lifo' | 'fifo'): BatchCase {
  const held = new Held<Pair>();
  return {
    name: `owner.stealFrom, ${MANY} at once, order ${order}`,
    role: 'ours',
    allocation: true,
    note: 'one operation is one value moved',
    opsPerBatch: 2 * MANY,
    setup: () => void held.set(made(order)),
    batch(operations) {
      const { deque, owner, other, robber } = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation += 2 * MANY) {
        successful += robber.stealFrom(deque, MANY);
        while (other.size > 0) successful += owner.stealFrom(other, MANY);
      }
      return successful;
    },
    check: () => left(held.get().deque.size),
    teardown: () => void held.take(),
  };
}

function onAtomics(name: string, take: (deque: AtomicsDeque) => number): BatchCase {
  const held = new Held<AtomicsDeque>();
  return {
    name,
    role: 'peer',
    allocation: true,
    setup() {
      const deque = held.set(new AtomicsDeque(CAPACITY));
      for (let i = 0; i < FILLED; i++) deque.tryPush(i);
    },
    batch(operations) {
      const deque = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++)
        if (deque.tryPush(operation & 0xffff) && take(deque) !== EMPTY) successful++;
      return successful;
    },
    check() {
      let count = 0;
      while (held.get().tryPop() !== EMPTY) count++;
      return left(count);
    },
    teardown: () => void held.take(),
  };
}

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

export const deques: BatchGroup = {
  kind: 'batch',
  name: 'deque',
  title: 'One value into the deque and one out, one thread',
  cases: [
    ours(PAIR, 'lifo', ({ owner }) => owner.tryPop()),
    ours('WorkStealingDeque.tryPush + steal', 'lifo', ({ deque }) => deque.steal()),
    ours('the same in order fifo', 'fifo', ({ owner }) => owner.tryPop()),
    moved('fifo'),
    moved('lifo'),
    onAtomics(PAIR_ON_ATOMICS, (deque) => deque.tryPop()),
    onAtomics('the same, stolen', (deque) => deque.steal()),
    empty,
  ],
  claims: [
    { of: PAIR_ON_ATOMICS, against: PAIR, atLeast: 2 },
    { of: PAIR, metric: BYTES_PER_OP, atMost: 0 },
  ],
};
