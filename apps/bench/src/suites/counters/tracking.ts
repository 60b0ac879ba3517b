import { MemoryTracker, type TagScope } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { type BatchCase, type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted, empty } from './counted.ts';
import { balance } from './layout.ts';

const RECORDER = 'tag.alloc + dealloc';
const OWN = 'tag by worker, alloc + dealloc';
/** Two records of 3 ns. */
const TARGET_NS = 6;
const BYTES = 4096;

const newTracker = (): MemoryTracker =>
  MemoryTracker.create(Arena.create({ bytes: 1 << 18 }), { tags: 8, workers: 2 });

/** Allocations under the tag, all of them freed. */
function balanced(tracker: MemoryTracker): number {
  const tag = tracker.read().tags[0];
  return tag?.currentBytes === 0 && tag.deallocations === tag.allocations ? tag.allocations : -1;
}

/** What one thread can do without a tracker, and what it takes at least where several count in one word. */
const others: BatchCase[] = [
  counted({
    name: 'fields of one thread',
    role: 'peer',
    note: 'current, peak and count in an object',
    create: () => ({ current: 0, peak: 0, count: 0 }),
    run(held, operations) {
      for (let i = 0; i < operations; i++) {
        held.current += BYTES;
        held.count++;
        if (held.current > held.peak) held.peak = held.current;
        held.current -= BYTES;
      }
    },
    count: (held) => held.count,
  }),
  counted({
    name: 'two Atomics.add',
    role: 'limit',
    note: 'no peak, no check, 32 bits',
    create: () => new Int32Array(new SharedArrayBuffer(balance.bytes)),
    run(words, operations) {
      const at = balance.word.bytes;
      for (let i = 0; i < operations; i++) {
        Atomics.add(words, at, BYTES);
        Atomics.sub(words, at, BYTES);
      }
      Atomics.add(words, balance.word.pairs, operations);
    },
    count: (words) =>
      Atomics.load(words, balance.word.bytes) === 0 ? Atomics.load(words, balance.word.pairs) >>> 0 : -1,
  }),
];

/** A tag's two records; each group has one of these, and a process of its own. */
function underTag(name: string, scope: TagScope, note?: string): BatchCase {
  return counted({
    name,
    role: 'ours',
    ...(note !== undefined && { note }),
    create: () => {
      const tracker = newTracker();
      return { tracker, tag: tracker.tag('pool', { scope }) };
    },
    run({ tag }, operations) {
      for (let i = 0; i < operations; i++) {
        tag.alloc(BYTES);
        tag.dealloc(BYTES);
      }
    },
    count: ({ tracker }) => balanced(tracker),
  });
}

export const tracking: BatchGroup = {
  kind: 'batch',
  name: 'memory',
  title: 'One allocation and its end recorded under a tag',
  note: 'Two records each. Ours is exact over all threads, with the peak and limits, and refuses to go below 0. The others count on one thread.',
  cases: [
    underTag(RECORDER, 'shared'),
    counted({
      name: 'tracker.alloc + dealloc by name',
      role: 'ours',
      create: newTracker,
      run(tracker, operations) {
        for (let i = 0; i < operations; i++) {
          tracker.alloc('pool', BYTES);
          tracker.dealloc('pool', BYTES);
        }
      },
      count: balanced,
    }),
    ...others,
    empty,
  ],
  claims: [{ of: RECORDER, metric: BYTES_PER_OP, atMost: 0 }],
};

export const trackingByWorker: BatchGroup = {
  kind: 'batch',
  name: 'memory-by-worker',
  title: 'The same under a tag that each worker counts for itself',
  note: 'Exact for each worker, with the peak and limits; others read the sum. A group of its own: engines compile for what they have seen.',
  cases: [underTag(OWN, 'worker', "scope: 'worker'; the target is 3 ns a record"), ...others, empty],
  claims: [
    { of: OWN, metric: BYTES_PER_OP, atMost: 0 },
    { of: OWN, metric: NS_PER_OP, atMost: TARGET_NS },
  ],
};
