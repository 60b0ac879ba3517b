// src/own-recorder.ts, src/slot-words.ts and src/own-sum.ts themselves, over all interleavings of a worker, its readers and who resets: what is
// read was held, a peak is never missed, and a sum of one moment was one.
import { explore, poke, type Scenario } from '@corelane/interleave';
import type { Arena } from '@corelane/shared-memory';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { BudgetListeners } from '../src/budget-listeners.ts';
import type { KernelExports } from '../src/kernel.generated.ts';
import * as kernel from '../kernel/index.ts';
import { BYTES_HIGH_MASK, tagCell, workerSlot } from '../src/layout.ts';
import { readSum } from '../src/own-sum.ts';
import { OwnRecorder } from '../src/own-recorder.ts';
import { readBytes, readPeak } from '../src/slot-words.ts';
import type { TagCell } from '../src/tag-cell.ts';
import type { TrackerTable } from '../src/table.ts';
import { WorkerSlot } from '../src/worker-slot.ts';
import { modelAtomics, modelWords } from './kernel/words.ts';

beforeAll(() => void vi.stubGlobal('Atomics', modelAtomics));
afterAll(() => vi.unstubAllGlobals());

const arena = { i32: modelWords } as Arena;
const k: KernelExports = kernel;
const { resets } = tagCell.offset;
const slotAt = (worker: number): number => tagCell.bytes + worker * workerSlot.bytes;
const FLAG = slotAt(2);
const { offset, word } = workerSlot;

/** What OwnRecorder writes plainly: aligned words that one thread writes, and the one that says that something has changed. */
const plain = [0, 1].flatMap((worker) =>
  [offset.allocated, offset.freed, offset.allocations, offset.deallocations, offset.net, offset.stale].map(
    (at) => ({ at: slotAt(worker) + at, bytes: 4 }),
  ),
);
const MEMORY = { bytes: FLAG + 8, allowRaces: plain, maxSteps: 400 };

/** As src/tag-cell.ts has it, without what the scenarios do not need. */
const cell = {
  tag: 'model',
  index: 0,
  words: modelWords,
  limits: () => ({ softBytes: Infinity, recoverBytes: 0, hardBytes: Infinity }),
  get resets() {
    return modelAtomics.load(modelWords, tagCell.word.resets);
  },
} as TagCell;

function recorder(worker: number): OwnRecorder {
  const table = { arena, slotAt: () => slotAt(worker) } as unknown as TrackerTable;
  return new OwnRecorder(cell, new WorkerSlot(table, k, cell, worker), {} as BudgetListeners, undefined);
}

const setup = (): void => {
  poke(tagCell.offset.hard, -1);
  poke(tagCell.offset.hard + 4, BYTES_HIGH_MASK);
};

const read = (): [net: number, peak: number] => {
  const { netBytes } = readBytes(arena, slotAt(0), 'worker');
  return [netBytes, readPeak(k, slotAt(0), modelAtomics.load(modelWords, resets >> 2), netBytes)];
};

test('what a reader sees was held, and the peak with it', () => {
  const peaks = new Map([
    [0, [0, 5, 8]],
    [5, [5, 8]],
    [8, [8]],
    [2, [8]],
    [3, [8]],
  ]);
  const scenario: Scenario = {
    ...MEMORY,
    name: 'a worker records while another thread reads',
    setup,
    threads: [
      () => {
        const own = recorder(0);
        own.alloc(5);
        own.alloc(3);
        own.dealloc(6);
        own.alloc(1);
      },
      () => read(),
    ],
    check: ([, seen]: readonly [number, number][]) => {
      const [net, peak] = seen as [number, number];
      if (!peaks.get(net)?.includes(peak)) return `held ${net}, peak ${peak}`;
      return read().join() === '3,8' ? undefined : `in the end ${read().join()}`;
    },
  };
  expect(explore(scenario)).toMatchObject({ complete: true });
});

test.each([2 ** 31 + 9, 2 ** 32 - 7])(
  'a record of %d bytes, of which amounts and word are of different moments, is not seen as more than it is',
  (large) => {
    const scenario: Scenario = {
      ...MEMORY,
      name: 'a worker allocates and frees much while another thread reads',
      setup,
      threads: [
        () => {
          const own = recorder(0);
          own.alloc(large);
          own.dealloc(large);
        },
        () => readBytes(arena, slotAt(0), 'worker').netBytes,
      ],
      check: ([, net]: readonly number[]) => {
        if (!(net! >= 0 && net! <= large)) return `read ${net}`;
        const end = readBytes(arena, slotAt(0), 'worker').netBytes;
        return end === 0 ? undefined : `in the end ${end}`;
      },
    };
    expect(explore(scenario)).toMatchObject({ complete: true });
  },
);

test('a reset leaves the most that was held since, as far as the worker has seen it', () => {
  const scenario: Scenario = {
    ...MEMORY,
    name: 'a worker records while another thread resets',
    setup,
    threads: [
      () => {
        const own = recorder(0);
        own.alloc(9);
        own.dealloc(7);
        own.alloc(1);
        own.dealloc(1);
      },
      () => {
        const count = modelAtomics.add(modelWords, resets >> 2, 1) + 1;
        const { netBytes } = readBytes(arena, slotAt(0), 'worker');
        k.raise(slotAt(0) + offset.peak, netBytes, count << 21);
        modelAtomics.store(modelWords, (slotAt(0) >> 2) + word.stale, -1);
      },
    ],
    check: () => {
      const [net, peak] = read();
      return net === 2 && [2, 3, 9].includes(peak) ? undefined : `held ${net}, peak ${peak}`;
    },
  };
  expect(explore(scenario)).toMatchObject({ complete: true });
});

/** One worker holds 4 bytes after the other: never both. */
const handing = (sum: () => { bytes: number; isOfOneMoment: boolean }): Scenario => ({
  ...MEMORY,
  name: 'two workers hold the same bytes one after the other while another thread sums',
  setup: () => {
    setup();
    poke(slotAt(0) + offset.allocated, 4);
    poke(slotAt(0) + offset.net, 4);
  },
  threads: [
    () => {
      const words = modelWords.subarray(slotAt(0) >> 2);
      words[word.freed] = 4;
      words[word.net] = 0;
      modelAtomics.store(modelWords, FLAG >> 2, 1);
    },
    () => {
      if (modelAtomics.load(modelWords, FLAG >> 2) === 0) return;
      const words = modelWords.subarray(slotAt(1) >> 2);
      words[word.allocated] = 4;
      words[word.net] = 4;
    },
    () => {
      const { bytes, isOfOneMoment } = sum();
      return isOfOneMoment ? bytes : -1;
    },
  ],
  check: ([, , bytes]: readonly number[]) => (bytes! <= 4 ? undefined : `a sum of ${bytes}`),
});

test('a sum of one moment is one that was held', () => {
  const slots = [slotAt(0), slotAt(1)];
  expect(explore(handing(() => readSum(arena, slots, 'worker')))).toMatchObject({ complete: true });
  const naive = (): { bytes: number; isOfOneMoment: boolean } => ({
    ...readSum(arena, slots, 'shared'), // looks once
    isOfOneMoment: true,
  });
  expect(() => explore(handing(naive))).toThrow('a sum of 8');
});
