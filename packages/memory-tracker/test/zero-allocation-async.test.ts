// What operations allocate until their promise is settled, beyond the promise and its await.
import { expect, test } from 'vitest';
import {
  AllocationError,
  AllocationUnmeasurableError,
  ArgumentRangeError,
  expectZeroAllocation,
  expectZeroAllocationAsync,
  measureAllocationAsync,
} from '../src/index.ts';
import { allocationMatchers } from '../src/vitest.ts';

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    toAllocateNothingAsync(options?: { iterations?: number }): Promise<void>;
    toAllocateAtMostAsync(maxBytes: number, options?: { iterations?: number }): Promise<void>;
  }
}

expect.extend(allocationMatchers);

const FEW = { iterations: 2000 };
const words = new Int32Array(8);
const slots: unknown[] = ['any'];
const settled = Promise.resolve();

const nothing = async (i: number): Promise<void> => void (words[0] = i);
/** A float in an array of anything is boxed, a map and 8 bytes. */
const box16 = async (i: number): Promise<void> => void (slots[0] = i + 0.5);

test('nothing beyond its promise passes, each time, and its figure is returned', async () => {
  for (let repeat = 0; repeat < 3; repeat++)
    expect(await expectZeroAllocationAsync(nothing, FEW)).toBeLessThan(0.1);
});

test('16 bytes is 16 within one, each time', async () => {
  for (let repeat = 0; repeat < 3; repeat++) {
    const bytes = await expectZeroAllocationAsync(box16, { ...FEW, maxBytes: 17 });
    expect(bytes).toBeGreaterThanOrEqual(15);
  }
});

test('what a promise and its await take is told beside', async () => {
  const { baselineBytes, samples, operations } = await measureAllocationAsync(nothing, FEW);
  const { baselineBytes: awaitBytes } = await measureAllocationAsync(() => settled, FEW);
  expect(awaitBytes).toBeGreaterThanOrEqual(48);
  // A promise has 48 bytes on Node 22 to 26.
  expect(Math.abs(baselineBytes - awaitBytes - 48)).toBeLessThanOrEqual(1);
  expect([samples, operations]).toEqual([7, 2000]);
});

test('16 bytes is refused with the figures', async () => {
  const failure: unknown = await expectZeroAllocationAsync(box16, FEW).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(AllocationError);
  expect((failure as AllocationError).bytesPerOperation).toBeCloseTo(16, 0);
  expect((failure as AllocationError).message).toMatch(
    /allocates 1[56](\.\d+)? bytes per operation, expected at most 0\.1 beyond the \d+(\.\d+)? of its baseline \(median of 7 samples of 2000/,
  );
});

test('a promise that is there each time hides no allocation of the size of a promise', async () => {
  const kept = (i: number): Promise<void> => {
    slots[0] = i + 0.5;
    return settled;
  };
  const { bytesPerOperation } = await measureAllocationAsync(kept, FEW);
  expect(Math.abs(bytesPerOperation - 16)).toBeLessThanOrEqual(1);
  expect(await expectZeroAllocationAsync(() => settled, FEW)).toBeLessThan(0.1);
});

test('an operation that waits has a frame, which a baseline that waits has too', async () => {
  const waits = async (i: number): Promise<void> => {
    await settled;
    slots[0] = i + 0.5;
  };
  const baseline = async (i: number): Promise<void> => {
    await settled;
    words[0] = i;
  };
  const alone = await measureAllocationAsync(waits, FEW);
  expect(alone.bytesPerOperation).toBeGreaterThan(200);
  const beyond = await measureAllocationAsync(waits, { ...FEW, baseline });
  expect(Math.abs(beyond.bytesPerOperation - 16)).toBeLessThanOrEqual(1);
  expect(beyond.baselineBytes).toBeGreaterThan(200);
});

test('a baseline that allocates more than the operation is refused: it would hide something', async () => {
  const baseline = async (): Promise<void> => {
    await settled;
    await settled;
  };
  await expect(measureAllocationAsync(nothing, { iterations: 500, baseline })).rejects.toThrow(
    /baseline is "\d+\.\d bytes more than the operation"/,
  );
});

test('operations that wait for the event loop are measured', async () => {
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  const { bytesPerOperation } = await measureAllocationAsync(turn, { iterations: 20 });
  expect(bytesPerOperation).toBeGreaterThan(100);
});

test('a measurement that is not awaited makes the next one fail, whichever that is', async () => {
  const first = measureAllocationAsync(nothing, { iterations: 10 });
  expect(() => expectZeroAllocation(() => {})).toThrow(AllocationUnmeasurableError);
  await expect(expectZeroAllocationAsync(nothing)).rejects.toThrow(
    'another measurement runs on this thread, expected its promise to be awaited first',
  );
  await first;
  expect(expectZeroAllocation(() => {}, FEW)).toBeLessThan(0.1);
});

test('a signal ends it, also where an operation is never settled, and the next one is measured', async () => {
  const reason = new Error('enough');
  const aborted = AbortSignal.abort(reason);
  await expect(measureAllocationAsync(nothing, { signal: aborted })).rejects.toBe(reason);
  for (const hangsAt of [0, 150]) {
    const controller = new AbortController();
    const hangs = (i: number): Promise<void> =>
      i === hangsAt ? new Promise(() => void setImmediate(() => controller.abort(reason))) : settled;
    const { signal } = controller;
    await expect(measureAllocationAsync(hangs, { iterations: 200, signal })).rejects.toBe(reason);
  }
  expect((await measureAllocationAsync(nothing, { iterations: 10 })).operations).toBe(10);
});

test('what the operation throws is what it rejects with, and the next one is measured', async () => {
  for (const failsAt of [0, 1500]) {
    const fails = async (i: number): Promise<void> => {
      if (i === failsAt) throw new Error('of the operation');
    };
    await expect(measureAllocationAsync(fails, { ...FEW, warmup: 0 })).rejects.toThrow('of the operation');
  }
  expect((await measureAllocationAsync(nothing, { iterations: 10 })).operations).toBe(10);
});

test('wrong arguments are refused', async () => {
  const wrong = async (operation: unknown, options: object, message: string): Promise<void> => {
    const measured = expectZeroAllocationAsync(operation as typeof nothing, options);
    await expect(measured).rejects.toThrow(ArgumentRangeError);
    await expect(measured).rejects.toThrow(message);
  };
  await wrong(() => {}, {}, 'a function that returns a promise');
  await wrong(5, {}, 'operation is 5');
  await wrong(nothing, { iterations: 0 }, 'iterations is 0');
  await wrong(nothing, { maxBytes: -1 }, 'maxBytes is -1');
  await wrong(nothing, { baseline: 7 }, 'baseline is 7');
  await wrong(nothing, { baselines: nothing }, 'options is "baselines"');
});

test('matchers are awaited, and understand `.not`', async () => {
  await expect(nothing).toAllocateNothingAsync(FEW);
  await expect(box16).toAllocateAtMostAsync(17, FEW);
  await expect(box16).not.toAllocateAtMostAsync(15, { iterations: 500 });
  await expect(expect(nothing).not.toAllocateNothingAsync(FEW)).rejects.toThrow('expected more than 0.1');
  await expect(expect(() => {}).toAllocateNothingAsync()).rejects.toThrow(
    'a function that returns a promise',
  );
  await expect(expect(nothing).toAllocateAtMostAsync(undefined as never)).rejects.toThrow(ArgumentRangeError);
});
