import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test, vi } from 'vitest';
import {
  Arena,
  ArgumentRangeError,
  AttachError,
  Parker,
  ParkingSpot,
  type ParkOutcome,
} from '../src/index.ts';

vi.setConfig({ testTimeout: 60_000 });

const newParker = (): Parker => Parker.create(Arena.create({ bytes: 65536 }));

/** A thread that parks and reports how that ended. */
async function parkedThread(parker: Parker): Promise<{ worker: Worker; outcome: Promise<ParkOutcome> }> {
  const worker = new Worker(new URL('./worker/park-once.ts', import.meta.url), {
    workerData: parker.handle,
    execArgv: ['--conditions=@corelane/source'],
  });
  const before = parker.waiters;
  const outcome = once(worker, 'message').then(([message]) => message as ParkOutcome);
  while (parker.waiters === before) await new Promise((resolve) => setImmediate(resolve));
  return { worker, outcome };
}

/** Unparks until somebody was parked: a thread that is counted may be a step short of the queue. */
async function unparkSurely(parker: ParkingSpot, count: number): Promise<void> {
  for (let woken = 0; woken < count; woken += parker.unpark(count - woken))
    await new Promise((resolve) => setImmediate(resolve));
}

describe('park', () => {
  test('returns at once where an unpark came since prepare', () => {
    const parker = newParker();
    const sequence = parker.prepare();
    expect(parker.unpark()).toBe(0);
    expect(parker.park(sequence)).toBe('changed');
  });

  test('times out, after no less than its time', () => {
    const parker = newParker();
    const start = performance.now();
    expect(parker.park(parker.prepare(), 3)).toBe('timedOut');
    expect(performance.now() - start).toBeGreaterThanOrEqual(2.99);
    expect(parker.park(parker.prepare(), 0)).toBe('timedOut');
    expect(parker.waiters).toBe(0);
  });

  test.each([-1, Number.NaN])('refuses a time-out of %d', (timeoutMs) => {
    const parker = newParker();
    expect(() => parker.park(parker.prepare(), timeoutMs)).toThrow(ArgumentRangeError);
    expect(() => parker.parkAsync(parker.prepare(), { timeoutMs })).toThrow(ArgumentRangeError);
    expect(parker.waiters).toBe(0);
  });

  test('takes time-outs beyond what a kernel can be given', async () => {
    const parker = newParker();
    const sequence = parker.prepare();
    parker.unpark();
    expect(parker.park(sequence, 1e9)).toBe('changed');
  });

  test('is ended by unpark from another thread', async () => {
    const parker = newParker();
    const { worker, outcome } = await parkedThread(parker);
    await unparkSurely(parker, 1);
    // Woken, or sent back because the unpark came just before it parked.
    expect(['woken', 'changed']).toContain(await outcome);
    expect(parker.waiters).toBe(0);
    await worker.terminate();
  });
});

describe('unpark', () => {
  test('wakes as many as it is told', async () => {
    const parker = newParker();
    const waiting = [1, 2, 3].map(() => parker.parkAsync(parker.prepare()));
    expect(parker.waiters).toBe(3);
    expect(parker.unpark()).toBe(1);
    expect(await Promise.race(waiting)).toBe('woken');
    expect(parker.waiters).toBe(2);
    expect(parker.unpark(0)).toBe(0);
    expect(parker.unpark(Infinity)).toBe(2);
    expect(await Promise.all(waiting)).toEqual(['woken', 'woken', 'woken']);
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 31])('refuses a count of %d', (count) => {
    expect(() => newParker().unpark(count)).toThrow(ArgumentRangeError);
  });

  test('goes on working when a parked thread was killed', async () => {
    const parker = newParker();
    const { worker } = await parkedThread(parker);
    await worker.terminate();
    const waiting = parker.parkAsync(parker.prepare());
    expect(parker.unpark()).toBe(1);
    expect(await waiting).toBe('woken');
  });

  test('goes on working when a thread with a parked continuation was killed', async () => {
    const parker = newParker();
    const worker = new Worker(new URL('./worker/park-once.ts', import.meta.url), {
      workerData: { ...parker.handle, async: true },
      execArgv: ['--conditions=@corelane/source'],
    });
    while (parker.waiters === 0) await new Promise((resolve) => setImmediate(resolve));
    await worker.terminate();
    const waiting = parker.parkAsync(parker.prepare());
    await unparkSurely(parker, 1);
    expect(await waiting).toBe('woken');
  });
});

describe('parkAsync', () => {
  test('lets the event loop turn while it waits', async () => {
    const parker = newParker();
    const waiting = parker.parkAsync(parker.prepare(), { ref: true });
    setTimeout(() => parker.unpark(), 1);
    expect(await waiting).toBe('woken');
    expect(parker.waiters).toBe(0);
  });

  test('returns changed and timedOut as park does', async () => {
    const parker = newParker();
    const sequence = parker.prepare();
    parker.unpark();
    expect(await parker.parkAsync(sequence)).toBe('changed');
    expect(await parker.parkAsync(parker.prepare(), { timeoutMs: 0 })).toBe('timedOut');
    expect(await parker.parkAsync(parker.prepare(), { timeoutMs: 2, ref: true })).toBe('timedOut');
    expect(parker.waiters).toBe(0);
  });

  test('rejects with the reason of its signal', async () => {
    const parker = newParker();
    const controller = new AbortController();
    const reason = new Error('enough');
    const waiting = parker.parkAsync(parker.prepare(), { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(parker.parkAsync(parker.prepare(), { signal: controller.signal })).rejects.toBe(reason);
    expect(parker.waiters).toBe(0);
  });

  test('aborted before the unpark does not swallow it', async () => {
    const parker = newParker();
    const controller = new AbortController();
    const aborted = parker.parkAsync(parker.prepare(), { signal: controller.signal });
    aborted.catch(() => {});
    const sequence = parker.prepare();
    controller.abort();
    const other = parker.parkAsync(sequence);
    expect(parker.unpark()).toBe(1); // the aborted one has left the queue, in which it was the first
    expect(await other).toBe('woken');
  });

  test('aborted after the unpark that woke it passes the wake-up on', async () => {
    const parker = newParker();
    const controller = new AbortController();
    const aborted = parker.parkAsync(parker.prepare(), { signal: controller.signal });
    const other = parker.parkAsync(parker.prepare());
    expect(parker.unpark()).toBe(1); // the first in the queue
    controller.abort(); // before its continuation has run
    await expect(aborted).rejects.toThrow('aborted');
    expect(await other).toBe('woken');
    expect(parker.waiters).toBe(0);
  });

  test('leaves no listener on its signal', async () => {
    const parker = newParker();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>): void => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => (listeners--, remove(...args));
    const waiting = parker.parkAsync(parker.prepare(), { signal });
    expect(listeners).toBe(1);
    parker.unpark();
    await waiting;
    expect(listeners).toBe(0);
  });

  test.each([
    [false, 'ended'],
    [true, 'timedOut'],
  ])('with ref: %s, a process with nothing else to do has %s', (ref, expected) => {
    const program = `
      import { Arena, Parker } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
      const parker = Parker.create(Arena.create({ bytes: 1 }));
      let outcome = 'ended';
      process.on('exit', () => console.log(outcome));
      void parker.parkAsync(parker.prepare(), { timeoutMs: 300, ref: ${ref} }).then((found) => (outcome = found));`;
    const args = [
      '--conditions=@corelane/source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      program,
    ];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim()).toBe(expected);
  });
});

describe('a parking spot', () => {
  test('lies in another object, where kernels reach it by its address', async () => {
    const arena = Arena.create({ bytes: 65536 });
    const at = arena.allocate(8, 8);
    const [one, other] = [ParkingSpot.over(arena, at), ParkingSpot.over(Arena.attach(arena.handle), at)];
    expect(one.address).toBe(at);
    const waiting = one.parkAsync(one.prepare());
    expect(other.unpark()).toBe(1);
    expect(await waiting).toBe('woken');
  });

  test.each([-4, 2, 65536 - 4, Number.NaN])('is refused at %d', (address) => {
    expect(() => ParkingSpot.over(Arena.create({ bytes: 65536 }), address)).toThrow(ArgumentRangeError);
  });
});

test('a handle leads to the same parker, and one of another kind to an error', async () => {
  const parker = newParker();
  const other = Parker.attach(structuredClone(parker.handle));
  const waiting = parker.parkAsync(parker.prepare());
  expect(other.unpark()).toBe(1);
  expect(await waiting).toBe('woken');
  expect(() => Parker.attach({ ...parker.handle, kind: 'x' as never })).toThrow(AttachError);
});
