import { Arena, AttachError, LINE_BYTES } from '@corelane/shared-memory';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  diffSnapshots,
  expectZeroAllocation,
  MemoryOverflowError,
  MemoryReader,
  MemoryTracker,
  MemoryUnderflowError,
  noMemorySink,
  TagsExhaustedError,
  TrackerDisposedError,
  WorkersExhaustedError,
  type MemorySink,
} from '../src/index.ts';
import {
  EPOCH_ONE,
  FRESH,
  tagCell,
  TRACK_DONE,
  trackerRoot,
  WORKER_CLAIMED,
  workerRecord,
  workerSlot,
} from '../src/layout.ts';
import { TrackerTable } from '../src/table.ts';

function create(options = { tags: 4, workers: 3 }): { arena: Arena; tracker: MemoryTracker } {
  const arena = Arena.create({ bytes: 1 << 18 });
  return { arena, tracker: MemoryTracker.create(arena, options) };
}

describe('a tag', () => {
  test('knows what is held, the most that was, and how many', () => {
    const { tracker } = create();
    const pool = tracker.tag('pool');
    pool.alloc(100);
    pool.alloc(50);
    pool.dealloc(100);
    pool.alloc(20);
    expect(tracker.read().tags).toEqual([
      {
        tag: 'pool',
        scope: 'shared',
        currentBytes: 70,
        peakBytes: 150,
        peakBytesAtLeast: 150,
        peakBytesAtMost: 150,
        inTransitBytes: 0,
        budget: null,
        live: 2,
        allocatedBytes: 170,
        freedBytes: 100,
        allocations: 3,
        deallocations: 1,
        byWorker: [
          {
            worker: 0,
            netBytes: 70,
            peakBytes: 150,
            live: 2,
            allocatedBytes: 170,
            freedBytes: 100,
            allocations: 3,
            deallocations: 1,
          },
        ],
      },
    ]);
    expect(tracker.tag('pool')).toBe(pool);
    expect(tracker.currentBytes('pool')).toBe(70);
    expect(tracker.currentBytes('unknown')).toBe(0);
  });

  test('is the same on every thread: one frees what another allocated', () => {
    const { tracker } = create();
    const other = MemoryTracker.attach(tracker.handle);
    tracker.alloc('pool', 100);
    other.dealloc('pool', 60);
    const [pool] = MemoryReader.attach(tracker.handle).read().tags;
    expect(pool).toMatchObject({ currentBytes: 40, peakBytes: 100, live: 0 });
    expect(pool!.byWorker).toMatchObject([
      { worker: 0, netBytes: 100, peakBytes: 100 },
      { worker: 1, netBytes: -60, peakBytes: 0 },
    ]);
  });

  test('never goes below nothing: freeing more is refused with numbers and changes nothing', () => {
    const { tracker } = create();
    const pool = tracker.tag('pool');
    pool.alloc(2 ** 33);
    const before = tracker.read();
    const bad = (): void => pool.dealloc(2 ** 33 + 1);
    expect(bad).toThrow(MemoryUnderflowError);
    expect(bad).toThrow('tag pool: 8589934593 bytes deallocated, of 8589934592 bytes held');
    expect({ ...tracker.read(), takenAtMs: before.takenAtMs }).toEqual(before);
  });

  test('never holds more than can be counted', () => {
    const { tracker } = create();
    const pool = tracker.tag('pool');
    pool.alloc(2 ** 53 - 1);
    expect(() => pool.alloc(1)).toThrow(MemoryOverflowError);
    expect(() => pool.alloc(1)).toThrow('1 bytes allocated on 9007199254740991 bytes held');
    pool.dealloc(2 ** 53 - 1);
    expect(tracker.read().tags).toMatchObject([{ currentBytes: 0, peakBytes: 2 ** 53 - 1, allocations: 1 }]);
  });

  test.each([-1, 0.5, NaN, 2 ** 53, -(2 ** 40)])('refuses %d bytes', (bytes) => {
    const { tracker } = create();
    expect(() => tracker.alloc('a', bytes)).toThrow(ArgumentRangeError);
    expect(() => tracker.dealloc('a', bytes)).toThrow(ArgumentRangeError);
    expect(tracker.read().totals).toMatchObject({ allocations: 0, deallocations: 0 });
  });

  test('behaves like a plain sum, for any sequence', () => {
    const size = fc.oneof(
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.integer({ min: 0, max: 2 ** 45 }),
    );
    const kinds = fc.constantFrom('alloc', 'alloc', 'dealloc', 'dealloc', 'too much', 'reset');
    const step = fc.record({ who: fc.integer({ min: 0, max: 1 }), kind: kinds, bytes: size });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { tracker } = create();
        const workers = [tracker, MemoryTracker.attach(tracker.handle)].map((each) => each.tag('t'));
        const model = { current: 0, peak: 0, allocated: 0, nets: [0, 0], peaks: [0, 0] };
        for (const { who, kind, bytes } of steps) {
          if (kind === 'reset') {
            tracker.resetPeaks('t');
            model.peak = model.current;
            model.peaks = model.nets.map((net) => Math.max(0, net));
            continue;
          }
          if (kind === 'too much') {
            expect(() => workers[who]!.dealloc(model.current + 1 + bytes)).toThrow(MemoryUnderflowError);
            continue;
          }
          const change = kind === 'alloc' ? bytes : -Math.min(bytes, model.current);
          workers[who]![kind](Math.abs(change));
          model.current += change;
          model.allocated += Math.max(0, change);
          model.peak = Math.max(model.peak, model.current);
          model.nets[who]! += change;
          model.peaks[who] = Math.max(model.peaks[who]!, model.nets[who]!);
        }
        const [tag] = tracker.read().tags;
        expect([tag!.currentBytes, tag!.peakBytes, tag!.allocatedBytes]).toEqual([
          model.current,
          model.peak,
          model.allocated,
        ]);
        for (const { worker, netBytes, peakBytes } of tag!.byWorker)
          expect([netBytes, peakBytes]).toEqual([model.nets[worker], model.peaks[worker]]);
      }),
    );
  });
});

describe('a handle', () => {
  test('frees what it tracks when its scope ends, once', () => {
    const { tracker } = create();
    {
      using held = tracker.track('scope', 4096);
      expect(held.bytes).toBe(4096);
      expect(tracker.currentBytes('scope')).toBe(4096);
      held[Symbol.dispose]();
      expect(tracker.currentBytes('scope')).toBe(0);
    }
    expect(tracker.read().tags).toMatchObject([{ currentBytes: 0, peakBytes: 4096, deallocations: 1 }]);
  });
});

test('snapshots survive JSON, and their difference says what has changed', () => {
  const { tracker } = create();
  tracker.alloc('still', 10);
  tracker.alloc('moving', 100);
  const before = JSON.parse(JSON.stringify(tracker.read())) as ReturnType<typeof tracker.read>;
  tracker.dealloc('moving', 40);
  tracker.alloc('new', 7);
  const { tags, currentBytes, live } = diffSnapshots(before, tracker.read());
  expect(tags).toEqual([
    {
      tag: 'moving',
      currentBytes: -40,
      peakBytes: 0,
      allocatedBytes: 0,
      freedBytes: 40,
      allocations: 0,
      deallocations: 1,
      live: -1,
    },
    {
      tag: 'new',
      currentBytes: 7,
      peakBytes: 7,
      allocatedBytes: 7,
      freedBytes: 0,
      allocations: 1,
      deallocations: 0,
      live: 1,
    },
  ]);
  expect([currentBytes, live]).toEqual([-33, 0]);
  expect(tracker.read().totals).toMatchObject({ currentBytes: 77, peakBytesAtMost: 117, live: 2 });
});

test('a peak of the epoch before, while another thread begins one, is none', () => {
  const { arena, tracker } = create();
  const pool = tracker.tag('pool');
  pool.alloc(100);
  pool.dealloc(70);
  const tag = TrackerTable.open(tracker.handle, arena).tagAt(0) >> 2;
  arena.i32[tag + tagCell.word.current + 1]! += EPOCH_ONE;
  expect(tracker.read().tags).toMatchObject([{ currentBytes: 30, peakBytes: 30 }]);
});

test('recording allocates nothing', () => {
  const { tracker } = create();
  const pool = tracker.tag('pool');
  expect(
    expectZeroAllocation(() => {
      pool.alloc(4096);
      pool.dealloc(4096);
      tracker.alloc('other', 5);
    }),
  ).toBeLessThan(0.1);
});

test('recording allocates nothing where one worker frees what another one allocates, however much', () => {
  const { tracker } = create();
  const [here, there] = [tracker, MemoryTracker.attach(tracker.handle)].map((each) => each.tag('pool'));
  const bytes = expectZeroAllocation(() => {
    here!.alloc(2 ** 31 - 1);
    there!.alloc(4096);
    there!.dealloc(2 ** 31 - 1);
    there!.dealloc(4096);
  });
  expect(bytes).toBeLessThan(0.1);
});

test('it is a sink for pools', () => {
  const { tracker } = create();
  for (const sink of [tracker, noMemorySink] satisfies MemorySink[]) {
    sink.alloc('pool', 5);
    sink.dealloc('pool', 3);
  }
  expect(tracker.currentBytes('pool')).toBe(2);
});

describe('limits', () => {
  test('of tags are told with numbers', () => {
    const { tracker } = create();
    for (const tag of ['a', 'b', 'c', 'd']) tracker.tag(tag);
    expect(() => tracker.tag('e')).toThrow(TagsExhaustedError);
    expect(() => tracker.alloc('e', 1)).toThrow('no room for tag "e": all 4 tags are taken');
  });

  test('of workers are told with the threads that hold them', () => {
    const { tracker } = create({ tags: 1, workers: 2 });
    const second = MemoryTracker.attach(tracker.handle);
    expect(() => MemoryTracker.attach(tracker.handle)).toThrow(WorkersExhaustedError);
    expect(() => MemoryTracker.attach(tracker.handle)).toThrow('all 2 workers are claimed, by threads 0, 0');
    second[Symbol.dispose]();
    expect(MemoryTracker.attach(tracker.handle).worker).toBe(1);
  });

  test.each([undefined, null, {}, { tags: 5 }])('a tracker in what is no arena: %o', (arena) => {
    expect(() => MemoryTracker.create(arena as never)).toThrow(ArgumentRangeError);
  });

  test.each([{ tags: 0 }, { workers: 1.5 }, { tags: 1e9 }])('options outside their range: %o', (options) => {
    expect(() => MemoryTracker.create(Arena.create({ bytes: 1 << 18 }), options)).toThrow(ArgumentRangeError);
  });
});

describe('a worker', () => {
  test('goes on where the one before it stopped', () => {
    const { tracker } = create();
    const first = MemoryTracker.attach(tracker.handle);
    first.alloc('t', 2 ** 40);
    first.dealloc('t', 5);
    first[Symbol.dispose]();
    const second = MemoryTracker.attach(tracker.handle);
    expect(second.worker).toBe(first.worker);
    second.alloc('t', 3);
    expect(tracker.read().tags[0]!.byWorker).toMatchObject([
      { worker: 1, netBytes: 2 ** 40 - 2, peakBytes: 2 ** 40, allocations: 2 },
    ]);
  });

  test('throws once it is released, and releasing twice is harmless', () => {
    const { tracker } = create();
    const other = MemoryTracker.attach(tracker.handle);
    const tag = other.tag('t');
    const held = tag.track(5);
    other[Symbol.dispose]();
    other[Symbol.dispose]();
    const uses = [
      () => tag.alloc(1),
      () => tag.dealloc(1),
      () => held[Symbol.dispose](),
      () => other.alloc('t', 1),
      () => other.tag('u'),
      () => other.read(),
      () => other.currentBytes('t'),
      () => other.reclaim(0),
    ];
    for (const use of uses) expect(use).toThrow(TrackerDisposedError);
    expect(tracker.currentBytes('t')).toBe(5);
  });

  test.each(['reclaimed', 'released'])(
    'that was %s is nobody’s when another thread has just claimed it',
    (how) => {
      const { arena, tracker } = create();
      const table = TrackerTable.open(tracker.handle, arena);
      const worker = table.claim(77);
      if (how === 'released') table.free(worker);
      else expect(tracker.reclaimThread(77)).toBe(1);
      expect(tracker.workers()[worker]).toMatchObject({ claimed: false, threadId: 77 });
      // Claimed, by one that has not said who it is.
      const record = (table.at + trackerRoot.bytes + worker * workerRecord.bytes) >> 2;
      arena.i32[record + workerRecord.word.state] = WORKER_CLAIMED;
      expect(tracker.reclaimThread(77)).toBe(0);
      expect(tracker.workers()[worker]).toMatchObject({ claimed: true, threadId: -1 });
    },
  );

  test('of a dead thread is taken by one of those who reclaim it', () => {
    const { arena, tracker } = create();
    const table = TrackerTable.open(tracker.handle, arena);
    const worker = table.claim(77);
    expect([table.takeName(worker, 77), table.takeName(worker, 77)]).toEqual([true, false]);
    expect(tracker.reclaimThread(77)).toBe(0);
    expect(tracker.reclaim(worker)).toBe(true);
  });

  test('of this thread is not reclaimed', () => {
    const { tracker } = create();
    expect(() => tracker.reclaim(0)).toThrow(ArgumentRangeError);
    expect(() => tracker.reclaim(3)).toThrow('worker is 3, expected 0 to 2');
    expect(() => tracker.reclaimThread(0)).toThrow(ArgumentRangeError);
    // What the threadId of a Worker is after its end.
    expect(() => tracker.reclaimThread(-1)).toThrow(
      'threadId is -1, expected that of the Worker before its end',
    );
    expect(tracker.reclaim(2)).toBe(false);
  });
});

test('options that mean nothing are refused', () => {
  const { arena, tracker } = create();
  expect(() => MemoryTracker.create(arena, { tag: 5 } as never)).toThrow('options is "tag"');
  expect(() => MemoryTracker.attach(tracker.handle, arena, { leak: {} } as never)).toThrow(
    ArgumentRangeError,
  );
  expect(() => tracker.tag('x', { scop: 'worker' } as never)).toThrow(ArgumentRangeError);
  expect(tracker.read().tags).toEqual([]);
});

test('attaching refuses what is no handle of a tracker', () => {
  const { arena, tracker } = create();
  const { handle } = tracker;
  for (const bad of [null, {}, { ...handle, kind: 'x' }, { ...handle, at: 128 }, { ...handle, at: -1 }])
    expect(() => MemoryTracker.attach(bad as never)).toThrow(AttachError);
  arena.i32[(handle.at >> 2) + trackerRoot.word.workers] = 2;
  expect(() => MemoryReader.attach(handle)).toThrow(/length in bytes is \d+, expected \d+/);
  arena.i32[(handle.at >> 2) + trackerRoot.word.workers] = 0;
  expect(() => MemoryReader.attach(handle)).toThrow('workers is 0, expected "1 to 1024"');
});

test('no two workers, and no two tags, write to one line, but for the cell of their tag', () => {
  const { tracker } = create();
  const table = TrackerTable.open(tracker.handle);
  expect([workerRecord.bytes, tagCell.bytes]).toEqual([LINE_BYTES, LINE_BYTES]);
  const lineOf = (at: number): number => Math.floor(at / LINE_BYTES);
  const lines = new Map<number, string>();
  const claim = (at: number, owner: string): void => {
    expect(lines.get(lineOf(at)) ?? owner).toBe(owner);
    lines.set(lineOf(at), owner);
  };
  for (let tag = 0; tag < 4; tag++) {
    claim(table.tagAt(tag), `tag ${tag}`);
    for (let worker = 0; worker < 3; worker++) claim(table.slotAt(worker, tag), `worker ${worker}`);
  }
  claim(table.slotAt(2, 4) - 1, 'worker 2');
});

test('a slot has its words where recorders have them as numbers', () => {
  const { allocated, freed, allocations, deallocations, stale, net } = workerSlot.word;
  expect([allocated, freed, allocations, deallocations, stale, net]).toEqual([2, 5, 8, 10, 12, 13]);
  expect([FRESH, TRACK_DONE]).toEqual([0, 0]);
});
