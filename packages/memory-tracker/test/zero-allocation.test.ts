import { once } from 'node:events';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import {
  AllocationError,
  AllocationUnmeasurableError,
  ArgumentRangeError,
  expectZeroAllocation,
  measureAllocation,
} from '../src/index.ts';
import { collectGarbage } from './collect-garbage.ts';

const kept: { value: unknown } = { value: undefined };
const items = Array.from({ length: 2000 }, (_, i) => i);
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
    const { bytesPerOperation, method } = measureAllocation(box16);
    expect(Math.abs(bytesPerOperation - 16)).toBeLessThanOrEqual(1);
    expect(method).toBe('heap');
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

  test('so much that a batch collects garbage is measured in smaller batches', () => {
    const { bytesPerOperation, operations } = measureAllocation(() => void (kept.value = items.slice()));
    expect(operations).toBeLessThan(10_000);
    expect(bytesPerOperation).toBeGreaterThan(2000 * 4);
    const refused = (): number =>
      expectZeroAllocation(() => void (kept.value = items.slice(1)), { iterations: 2000 }); // 16 MB, more than fit
    expect(refused).toThrow(AllocationError);
    expect(catchError(refused).message).not.toContain('2000 operations');
  });

  test('and collects garbage each time is counted by V8, where that counts', () => {
    const greedy = (): void => {
      kept.value = Array.from<number>({ length: 500_000 }).fill(0);
      collectGarbage('minor');
    };
    const measure = (): { bytesPerOperation: number; method: string } =>
      measureAllocation(greedy, { iterations: 1, warmup: 1 });
    if (!('total_allocated_bytes' in getHeapStatistics())) {
      expect(measure).toThrow(AllocationUnmeasurableError);
      return;
    }
    const { bytesPerOperation, method } = measure();
    expect(method).toBe('counter');
    expect(Math.abs(bytesPerOperation - 8 * 500_000)).toBeLessThan(600_000);
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
  expect(answer).toEqual({ nothing: true, box: 'ERR_ALLOCATION' });
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
