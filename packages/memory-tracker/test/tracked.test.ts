// Handles: resized, moved, given away, and lost.
import { once } from 'node:events';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  MemoryBudgetError,
  MemoryTracker,
  MemoryUnderflowError,
  TrackedReleasedError,
  TransferError,
  type LeakOptions,
  type MemoryLeak,
} from '../src/index.ts';
import { collectGarbage } from './collect-garbage.ts';

function create(leaks?: LeakOptions): MemoryTracker {
  return MemoryTracker.create(Arena.create({ bytes: 1 << 18 }), {
    tags: 4,
    workers: 3,
    ...(leaks && { leaks }),
  });
}

describe.each(['shared', 'worker'] as const)('a handle (%s)', (scope) => {
  test('is resized without being one more, or one less', () => {
    const tracker = create();
    const held = tracker.tag('pool', { scope }).track(100);
    held.resize(150);
    held.resize(30);
    expect([held.bytes, held.tag]).toEqual([30, 'pool']);
    expect(tracker.read().tags).toMatchObject([
      {
        currentBytes: 30,
        peakBytes: 150,
        allocatedBytes: 150,
        freedBytes: 120,
        allocations: 1,
        deallocations: 0,
      },
    ]);
    tracker.budget('pool', { hardBytes: 40 });
    expect(() => held.resize(41)).toThrow(MemoryBudgetError);
    expect(() => held.resize(-1)).toThrow(ArgumentRangeError);
    expect(held.bytes).toBe(30);
    held[Symbol.dispose]();
    expect(tracker.read().tags).toMatchObject([{ currentBytes: 0, live: 0 }]);
    expect(() => held.resize(1)).toThrow(TrackedReleasedError);
    expect(() => held.transfer()).toThrow('it held 30 bytes');
  });

  test('that a callback of a limit releases, or changes, while it is changed holds nothing twice', () => {
    const tracker = create();
    const [pool, other] = [tracker.tag('pool', { scope }), tracker.tag('other', { scope })];
    const heldBytes = (): number[] => [tracker.currentBytes('pool'), tracker.currentBytes('other')];
    pool.alloc(1000);
    other.alloc(1000);
    let held = pool.track(100);
    let use = (): void => {};
    const useOnce = (): void => {
      const callback = use;
      use = () => {};
      callback();
    };
    tracker.budget('pool', {
      softBytes: 1150,
      recoverBytes: 1120,
      onSoft: () => useOnce(),
      onRecover: () => useOnce(),
    });
    tracker.budget('other', { softBytes: 1050, onSoft: () => useOnce() });

    use = () => held[Symbol.dispose]();
    expect(() => held.resize(200)).toThrow(TrackedReleasedError);
    expect(heldBytes()).toEqual([1000, 1000]);

    held = pool.track(100);
    use = () => held.resize(110);
    held.resize(200);
    expect([held.bytes, ...heldBytes()]).toEqual([200, 1200, 1000]);

    use = () => held[Symbol.dispose]();
    held.resize(50);
    expect(heldBytes()).toEqual([1000, 1000]);

    held = pool.track(100);
    use = () => held[Symbol.dispose]();
    expect(() => held.moveTo(other)).toThrow(TrackedReleasedError);
    expect(heldBytes()).toEqual([1000, 1000]);

    held = pool.track(200);
    use = () => held[Symbol.dispose]();
    held.moveTo(other);
    expect(heldBytes()).toEqual([1000, 1000]);

    held = pool.track(200);
    use = () => held[Symbol.dispose]();
    tracker.adopt(held.transfer())[Symbol.dispose]();
    expect(heldBytes()).toEqual([1000, 1000]);
  });

  test('is moved to another tag, unless that has no room', () => {
    const tracker = create();
    const held = tracker.tag('from', { scope }).track(100);
    tracker.tag('to', { scope });
    const budget = tracker.budget('to', { hardBytes: 99 });
    expect(() => held.moveTo(tracker.tag('to'))).toThrow(MemoryBudgetError);
    expect(tracker.currentBytes('from')).toBe(100);
    budget.update({ hardBytes: 100 });
    held.moveTo(tracker.tag('to'));
    expect([held.tag, tracker.currentBytes('from'), tracker.currentBytes('to')]).toEqual(['to', 0, 100]);
    expect(() => held.moveTo({} as never)).toThrow(ArgumentRangeError);
    held[Symbol.dispose]();
    expect(tracker.currentBytes('to')).toBe(0);
  });

  test('whose bytes others have freed is not moved: the other tag is as it was', () => {
    const tracker = create();
    const held = tracker.tag('from', { scope }).track(100);
    const to = tracker.tag('to', { scope });
    tracker.dealloc('from', 40);
    expect(() => held.moveTo(to)).toThrow(MemoryUnderflowError);
    expect([held.tag, tracker.currentBytes('from'), tracker.currentBytes('to')]).toEqual(['from', 60, 0]);
    expect(tracker.read().tags[1]).toMatchObject({ tag: 'to', live: 0 });
  });

  test('is given to another worker, which frees it', () => {
    const tracker = create();
    const other = MemoryTracker.attach(tracker.handle);
    const held = tracker.tag('pool', { scope }).track(100);
    const transfer = JSON.parse(JSON.stringify(held.transfer())) as ReturnType<typeof held.transfer>;
    held[Symbol.dispose]();
    expect(tracker.currentBytes('pool')).toBe(100);
    const theirs = other.adopt(transfer);
    theirs.resize(70);
    expect(tracker.read().tags).toMatchObject([{ currentBytes: 70, inTransitBytes: 0 }]);
    theirs[Symbol.dispose]();
    expect(tracker.read().tags).toMatchObject([{ currentBytes: 0, live: 0, inTransitBytes: 0 }]);
  });
});

test('what is in transit is held by the tag, and adopted once', () => {
  const tracker = create();
  const other = MemoryTracker.attach(tracker.handle);
  const transfer = tracker.tag('pool', { scope: 'worker' }).track(100).transfer();
  expect(tracker.read().tags).toMatchObject([
    { currentBytes: 100, inTransitBytes: 100, byWorker: [{ netBytes: 0 }] },
  ]);
  other.budget('pool', { hardBytes: 50 });
  expect(() => other.adopt(transfer)).toThrow(MemoryBudgetError);
  other.budget('pool', { hardBytes: Infinity });
  other.adopt(transfer);
  expect(() => other.adopt(transfer)).toThrow(TransferError);
  expect(() => other.adopt(transfer)).toThrow('100 bytes adopted, of 0 bytes in transit');
  expect(tracker.read().tags).toMatchObject([{ currentBytes: 100, inTransitBytes: 0 }]);
});

test('what is no transfer of the tracker is refused', () => {
  const tracker = create();
  const transfer = tracker.tag('pool').track(1).transfer();
  const bad = [
    null,
    {},
    { ...transfer, kind: 'x' },
    { ...transfer, tag: 'other' },
    { ...transfer, bytes: -1 },
  ];
  for (const each of bad) expect(() => tracker.adopt(each as never)).toThrow(ArgumentRangeError);
});

test('a handle does not take its tag from others', () => {
  const tracker = create();
  const held = tracker.track('pool', 10);
  tracker.dealloc('pool', 10);
  expect(() => held[Symbol.dispose]()).toThrow(MemoryUnderflowError);
  expect(() => held[Symbol.dispose]()).not.toThrow();
});

describe('a lost handle', () => {
  /** In a scope of its own, which keeps nothing. */
  function lose(tracker: MemoryTracker): void {
    tracker.track('pool', 100).resize(70);
  }

  /** The same of handles that are released, or given away, before. */
  function release(tracker: MemoryTracker): void {
    tracker.track('pool', 1)[Symbol.dispose]();
    tracker.adopt(tracker.track('pool', 2).transfer())[Symbol.dispose]();
  }

  async function collected(leaks: MemoryLeak[]): Promise<void> {
    while (leaks.length === 0) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  test('is reported with what it held, which stays held', async () => {
    const leaks: MemoryLeak[] = [];
    const tracker = create({ onLeak: (leak) => void leaks.push(leak), stacks: true });
    {
      using kept = tracker.track('pool', 5);
      kept.resize(6);
    }
    release(tracker);
    lose(tracker);
    await collected(leaks);
    expect(leaks).toMatchObject([{ tag: 'pool', bytes: 70, released: false }]);
    expect(leaks[0]!.stack).toContain('tracked.test.ts');
    expect(tracker.currentBytes('pool')).toBe(70);
  });

  test('is released where that is asked for', async () => {
    const leaks: MemoryLeak[] = [];
    const tracker = create({ onLeak: (leak) => void leaks.push(leak), release: true });
    lose(tracker);
    await collected(leaks);
    expect(leaks).toEqual([{ tag: 'pool', bytes: 70, released: true }]);
    expect(tracker.currentBytes('pool')).toBe(0);
  });

  test('is reported as the options say, which are checked', () => {
    expect(() => create({ onLeak: 5 as never })).toThrow(ArgumentRangeError);
    expect(() => create({ report: true } as never)).toThrow('leaks is "report"');
  });

  test('is a warning of the process by default', async () => {
    const warned = once(process, 'warning');
    const leaks: MemoryLeak[] = [];
    void warned.then(() => leaks.push({ tag: '', bytes: 0, released: false }));
    const tracker = create({});
    lose(tracker);
    await collected(leaks);
    expect(tracker.currentBytes('pool')).toBe(70);
    expect((await warned)[0]).toMatchObject({
      code: 'CORELANE_MEMORY_LEAK',
      message: 'a handle of 70 bytes of tag pool was collected without having been disposed: they stay held',
    });
  });
});
