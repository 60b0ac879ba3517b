import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import {
  AllocationError,
  ArgumentRangeError,
  expectZeroAllocation,
  measureAllocation,
} from '../src/index.ts';
import { collectGarbage } from './collect-garbage.ts';

const kept: { value: unknown } = { value: undefined };
const items = Array.from({ length: 2000 }, (_, i) => i);
const items32 = Array.from({ length: 32_000 }, (_, i) => i);
const slots: unknown[] = ['any'];

/** Allocates 16 bytes: a float in an array of anything is boxed, a map and 8 bytes. */
function box16(i: number): void {
  slots[0] = i + 0.5;
}

const words = new Int32Array(new SharedArrayBuffer(64));
const floats = new Float64Array(8);

describe('an operation that allocates nothing', () => {
  test('passes, and its figure is returned', () => {
    expect(expectZeroAllocation(() => void Atomics.add(words, 0, 1))).toBeLessThan(0.1);
  });

  test('may work on atomics, floats and objects that are there', () => {
    const point = { x: 1.5, y: 2 };
    const bytes = expectZeroAllocation((i) => {
      Atomics.add(words, 0, 1);
      floats[0] = Math.sqrt(i) + point.x * point.y;
    });
    expect(bytes).toBeLessThan(0.1);
  });
});

describe('an operation that allocates', () => {
  test('16 bytes (a boxed float) is refused with the figure', () => {
    const failure = catchError(() => expectZeroAllocation(box16));
    expect(failure).toBeInstanceOf(AllocationError);
    expect(failure).toMatchObject({ code: 'ERR_ALLOCATION', maxBytes: 0.1 });
    expect((failure as AllocationError).bytesPerOperation).toBeCloseTo(16, 0);
    expect(failure.message).toMatch(
      /allocates 16(\.\d+)? bytes per operation, expected at most 0\.1 .*7 samples/,
    );
  });

  test('once in 16 operations is still seen', () => {
    const { bytesPerOperation } = measureAllocation((i) => {
      if (i % 16 === 0) kept.value = [i, i];
    });
    expect(bytesPerOperation).toBeCloseTo(64 / 16, 0);
  });

  test('16 bytes is 16, within one', () => {
    const { bytesPerOperation } = measureAllocation(box16);
    expect(Math.abs(bytesPerOperation - 16)).toBeLessThanOrEqual(1);
  });

  test('once in a thousand operations is seen, and refused by a limit that small', () => {
    const rarely = (i: number): void => void (i % 1000 === 999 && box16(i));
    const { bytesPerOperation } = measureAllocation(rarely, { iterations: 100_000 });
    expect(Math.abs(bytesPerOperation - 0.016)).toBeLessThan(0.002);
    expect(() => expectZeroAllocation(rarely, { maxBytes: 0.01, iterations: 100_000 })).toThrow(
      /allocates 0\.01\d+ bytes per operation, expected at most 0\.01 /,
    );
    expect(expectZeroAllocation(rarely)).toBeLessThan(0.1);
  });

  test('once in a thousand operations is the same figure, whichever of them it is', () => {
    const [first, last] = [0, 999].map((which) => {
      const rarely = (i: number): void => void (i % 1000 === which && (kept.value = items.slice(0, 100)));
      return measureAllocation(rarely).bytesPerOperation;
    }) as [number, number];
    expect(last).toBeGreaterThan(0.4);
    expect(first / last).toBeCloseTo(1, 1);
  });

  test('nothing but 16 bytes in a hundred operations is refused by a limit of 0.1', () => {
    expect(() => expectZeroAllocation((i) => void (i % 100 === 0 && box16(i)))).toThrow(AllocationError);
  });

  test('so much that a batch collects garbage is measured with all that was collected', () => {
    const options = { iterations: 3000, warmup: 3000 };
    const { bytesPerOperation, operations, collections } = measureAllocation(
      () => void (kept.value = items.slice()),
      options,
    );
    expect(operations).toBe(3000);
    expect(collections).toBeGreaterThan(0);
    expect(Math.abs(bytesPerOperation / (2000 * 8) - 1)).toBeLessThan(0.04);
    expect(() => expectZeroAllocation(() => void (kept.value = items.slice(1)), { iterations: 300 })).toThrow(
      /allocates 1[56]\d+ bytes per operation, .*median of 7 samples of 300 operations/,
    );
  });

  test('much, but seldom, is measured though it collects garbage', () => {
    const options = { iterations: 2000, warmup: 2000 };
    const seldom = (i: number): void => {
      if (i === 1999) for (let k = 0; k < 600; k++) kept.value = items.slice();
    };
    const { bytesPerOperation } = measureAllocation(seldom, options);
    expect(Math.abs(bytesPerOperation / ((2000 * 8 * 600) / 2000) - 1)).toBeLessThan(0.04);
  });

  test('and collects garbage each time is measured with all of it', () => {
    const greedy = (): void => {
      kept.value = items32.slice();
      collectGarbage('minor');
    };
    const { bytesPerOperation, collections } = measureAllocation(greedy, { iterations: 2, warmup: 1 });
    expect(collections).toBeGreaterThanOrEqual(14);
    expect(Math.abs(bytesPerOperation / (8 * 32_000) - 1)).toBeLessThan(0.01);
  });

  test('and throws is not measured, and the next one is', () => {
    const broken = (i: number): void => {
      if (i === 1500) throw new Error('of the operation');
    };
    for (const warmup of [0, 2000])
      expect(() => measureAllocation(broken, { iterations: 2000, warmup })).toThrow('of the operation');
    expect(measureAllocation(() => {}, { iterations: 10 }).samples).toBe(7);
  });

  test('passes below a limit of its own', () => {
    expect(expectZeroAllocation(() => void (kept.value = [1, 2]), { maxBytes: 64 })).toBeGreaterThan(0);
  });
});

test('wrong arguments are refused', () => {
  expect(() => expectZeroAllocation(() => {}, { iterations: 0 })).toThrow(ArgumentRangeError);
  expect(() => expectZeroAllocation(() => {}, { warmup: 1.5 })).toThrow('warmup is 1.5');
  expect(() => expectZeroAllocation(() => {}, { maxBytes: NaN })).toThrow('maxBytes is NaN');
  expect(() => expectZeroAllocation(() => {}, { iteration: 5 } as object)).toThrow('options is "iteration"');
  expect(() => measureAllocation(() => {}, { maxBytes: 5 } as object)).toThrow('options is "maxBytes"');
  expect(() => expectZeroAllocation(async () => {})).toThrow('a synchronous function');
});

test('works in a worker thread, without flags', async () => {
  const worker = new Worker(new URL('./zero-allocation.worker.ts', import.meta.url), {
    execArgv: ['--conditions=@corelane/source'],
  });
  const [answer] = await once(worker, 'message');
  expect(answer).toMatchObject({ nothing: true, box: 'ERR_ALLOCATION' });
  // Collections of the whole heap are quick there, where there is little of it.
  expect(Math.abs((answer as { greedyBytes: number }).greedyBytes / (8 * 32_000) - 1)).toBeLessThan(0.01);
  await worker.terminate();
});

function catchError(body: () => unknown): Error {
  try {
    body();
  } catch (error) {
    return error as Error;
  }
  throw new Error('did not throw');
}
