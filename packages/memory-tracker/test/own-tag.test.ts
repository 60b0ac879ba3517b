// Tags that each worker counts for itself.
import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  expectZeroAllocation,
  MemoryOverflowError,
  MemoryReader,
  MemoryTracker,
  MemoryUnderflowError,
  TagScopeError,
  TrackerDisposedError,
  ArgumentRangeError,
} from '../src/index.ts';
import { EPOCH_MASK, workerSlot } from '../src/layout.ts';
import { TrackerTable } from '../src/table.ts';

const create = (): MemoryTracker =>
  MemoryTracker.create(Arena.create({ bytes: 1 << 18 }), { tags: 4, workers: 3 });
const read = (tracker: MemoryTracker): ReturnType<MemoryTracker['read']>['tags'][number] =>
  tracker.read().tags[0]!;

test('each worker has its own figures, and the tag has their sum', () => {
  const tracker = create();
  const other = MemoryTracker.attach(tracker.handle);
  const mine = tracker.tag('pool', { scope: 'worker' });
  const theirs = other.tag('pool');
  expect(theirs.scope).toBe('worker');
  mine.alloc(100);
  theirs.alloc(50);
  mine.dealloc(60);
  mine.alloc(10);
  expect(read(tracker)).toMatchObject({
    scope: 'worker',
    currentBytes: 100,
    allocatedBytes: 160,
    freedBytes: 60,
    live: 2,
    byWorker: [
      { worker: 0, netBytes: 50, peakBytes: 100 },
      { worker: 1, netBytes: 50, peakBytes: 50 },
    ],
  });
  expect(tracker.currentBytes('pool')).toBe(100);
});

test('a worker does not free what another one has allocated', () => {
  const tracker = create();
  const other = MemoryTracker.attach(tracker.handle);
  tracker.tag('pool', { scope: 'worker' }).alloc(100);
  const theirs = other.tag('pool');
  theirs.alloc(5);
  const before = { ...tracker.read(), takenAtMs: 0 };
  expect(() => theirs.dealloc(6)).toThrow(MemoryUnderflowError);
  expect(() => theirs.dealloc(6)).toThrow('6 bytes deallocated, of 5 bytes held by this worker');
  expect({ ...tracker.read(), takenAtMs: 0 }).toEqual(before);
});

test('the first thread that uses a tag settles whom it is counted by', () => {
  const tracker = create();
  tracker.tag('own', { scope: 'worker' });
  tracker.alloc('all', 1);
  expect(tracker.tag('all').scope).toBe('shared');
  expect(() => tracker.tag('all', { scope: 'worker' })).toThrow(TagScopeError);
  const other = MemoryTracker.attach(tracker.handle);
  expect(() => other.tag('own', { scope: 'shared' })).toThrow('tag own: scope is worker, expected shared');
  expect(() => tracker.tag('x', { scope: 'mine' as never })).toThrow(ArgumentRangeError);
});

describe('peaks', () => {
  test('of a worker are exact while it only allocates, and after it has freed', () => {
    const tracker = create();
    const own = tracker.tag('pool', { scope: 'worker' });
    const peak = (): number => read(tracker).byWorker[0]!.peakBytes;
    own.alloc(70);
    expect(peak()).toBe(70);
    own.dealloc(50);
    own.alloc(30);
    expect(peak()).toBe(70);
    own.alloc(30);
    expect(peak()).toBe(80);
  });

  test('of all lie between the largest sum that was seen and the sum of the peaks', () => {
    const tracker = create();
    const other = MemoryTracker.attach(tracker.handle);
    const [mine, theirs] = [tracker.tag('pool', { scope: 'worker' }), other.tag('pool')];
    mine.alloc(100);
    mine.dealloc(100);
    theirs.alloc(80);
    mine.alloc(30);
    expect(read(tracker)).toMatchObject({ peakBytes: 110, peakBytesAtLeast: 110, peakBytesAtMost: 180 });
    mine.dealloc(30);
    theirs.dealloc(80);
    // The sum that the last reader saw is known to all.
    const [tag] = MemoryReader.attach(tracker.handle).read().tags;
    expect(tag).toMatchObject({ currentBytes: 0, peakBytesAtLeast: 110, peakBytesAtMost: 180 });
  });

  test.each(['worker', 'shared'] as const)('start again with a reset (%s)', (scope) => {
    const tracker = create();
    const own = tracker.tag('pool', { scope });
    own.alloc(100);
    own.dealloc(90);
    tracker.resetPeaks('nobody');
    expect(read(tracker).peakBytes).toBe(100);
    tracker.resetPeaks('pool');
    expect(read(tracker)).toMatchObject({ peakBytes: 10, byWorker: [{ peakBytes: 10 }] });
    own.alloc(5);
    own.dealloc(15);
    expect(read(tracker)).toMatchObject({ peakBytes: 15, byWorker: [{ peakBytes: 15 }] });
    own.alloc(20);
    tracker.resetPeaks();
    own.dealloc(20);
    expect(read(tracker)).toMatchObject({ peakBytes: 20, byWorker: [{ peakBytes: 20 }] });
    for (let reset = 0; reset <= EPOCH_MASK; reset++) tracker.resetPeaks();
    expect(read(tracker)).toMatchObject({ peakBytes: 0, byWorker: [{ peakBytes: 0 }] });
  });
});

test('a successor goes on with what its worker holds', () => {
  const tracker = create();
  const first = MemoryTracker.attach(tracker.handle);
  first.tag('pool', { scope: 'worker' }).alloc(2 ** 40);
  first[Symbol.dispose]();
  const second = MemoryTracker.attach(tracker.handle);
  second.tag('pool').dealloc(2 ** 40 - 1);
  expect(() => second.tag('pool').dealloc(2)).toThrow(MemoryUnderflowError);
  expect(read(tracker).byWorker).toMatchObject([{ worker: 1, netBytes: 1, peakBytes: 2 ** 40 }]);
});

test('behaves like a plain sum, for any sequence', () => {
  const around = [2 ** 31 - 2, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1];
  const size = fc.oneof(
    fc.integer({ min: 0, max: 1000 }),
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.constantFrom(...around),
  );
  const step = fc.record({ kind: fc.constantFrom('alloc', 'dealloc', 'reset', 'hand over'), bytes: size });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const tracker = create();
      let holder = MemoryTracker.attach(tracker.handle);
      let own = holder.tag('t', { scope: 'worker' });
      const model = { net: 0, peak: 0, live: 0 };
      for (const { kind, bytes } of steps) {
        if (kind === 'alloc' && model.net + bytes > Number.MAX_SAFE_INTEGER)
          expect(() => own.alloc(bytes)).toThrow(MemoryOverflowError);
        else if (kind === 'alloc') {
          own.alloc(bytes);
          model.net += bytes;
          model.live++;
          model.peak = Math.max(model.peak, model.net);
        } else if (kind === 'dealloc' && bytes > model.net)
          expect(() => own.dealloc(bytes)).toThrow(MemoryUnderflowError);
        else if (kind === 'dealloc') {
          own.dealloc(bytes);
          model.net -= bytes;
          model.live--;
        } else if (kind === 'reset') {
          tracker.resetPeaks();
          model.peak = model.net;
        } else {
          holder[Symbol.dispose]();
          holder = MemoryTracker.attach(tracker.handle);
          own = holder.tag('t');
        }
        const tag = read(tracker);
        expect([tag.currentBytes, tag.live]).toEqual([model.net, model.live]);
        if (tag.byWorker.length > 0) expect(tag.byWorker[0]!.peakBytes).toBe(model.peak);
      }
    }),
    {
      numRuns: 60,
      // What was allocated in all is more than a float holds.
      examples: [
        [
          [
            { kind: 'alloc', bytes: 2 ** 53 - 1 },
            { kind: 'dealloc', bytes: 2 },
            { kind: 'alloc', bytes: 2 },
          ],
        ],
      ],
    },
  );
});

test.each([-1, 0.5, NaN, 2 ** 53])('refuses %d bytes', (bytes) => {
  const own = create().tag('pool', { scope: 'worker' });
  expect(() => own.alloc(bytes)).toThrow(ArgumentRangeError);
  expect(() => own.dealloc(bytes)).toThrow(ArgumentRangeError);
});

test('throws once the tracker is disposed', () => {
  const tracker = create();
  const other = MemoryTracker.attach(tracker.handle);
  const own = other.tag('pool', { scope: 'worker' });
  own.alloc(5);
  other[Symbol.dispose]();
  for (const bytes of [0, 1]) {
    expect(() => own.alloc(bytes)).toThrow(TrackerDisposedError);
    expect(() => own.dealloc(bytes)).toThrow(TrackerDisposedError);
  }
});

test('recording allocates nothing', () => {
  const own = create().tag('pool', { scope: 'worker' });
  const bytes = expectZeroAllocation(() => {
    own.alloc(4096);
    own.dealloc(4096);
  });
  expect(bytes).toBeLessThan(0.1);
});

test.each([
  ['allocated', 6],
  ['freed', 4],
] as const)(
  'a worker that died after it had %s, and before it had said what it holds, is repaired when it is freed',
  (amount, left) => {
    const tracker = create();
    const dead = MemoryTracker.attach(tracker.handle);
    dead.tag('own', { scope: 'worker' }).alloc(5);
    const words = TrackerTable.open(tracker.handle).slotWords(dead.worker, 0);
    words[workerSlot.word[amount]]!++;
    expect(tracker.currentBytes('own')).toBe(5);
    expect(tracker.reclaim(dead.worker)).toBe(true);
    const [own] = tracker.read().tags;
    expect([own!.currentBytes, own!.allocatedBytes - own!.freedBytes]).toEqual([left, left]);
  },
);
