import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Arena, ArgumentRangeError, AttachError, CoarseClock, type ClockTicker } from '../src/index.ts';
import { coarseClockRoot } from '../src/layout.ts';
import { originMs } from './clock-origin.ts';

vi.setConfig({ testTimeout: 60_000 });

const tickers: ClockTicker[] = [];
afterEach(async () => {
  await Promise.all(tickers.splice(0).map((ticker) => ticker[Symbol.asyncDispose]()));
});

function start(clock: CoarseClock, options?: Parameters<CoarseClock['startTicker']>[0]): ClockTicker {
  const ticker = clock.startTicker(options);
  tickers.push(ticker);
  return ticker;
}

function newClock(startMs = 0): { arena: Arena; clock: CoarseClock } {
  const arena = Arena.create({ bytes: 65536 });
  return { arena, clock: CoarseClock.create(arena, { startMs }) };
}

/** Computes until the clock's exact time has gone on by `ms`: the event loop is blocked meanwhile. */
function block(clock: CoarseClock, ms: number): void {
  const end = clock.elapsedMs() + ms;
  while (clock.elapsedMs() < end);
}

/** Lets the event loop turn until `condition` holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** A worker that does as `test/clock.worker.ts` says, up to its first message. */
async function clockWorker(clock: CoarseClock, what: string): Promise<{ worker: Worker; answer: unknown }> {
  const worker = new Worker(new URL('./clock.worker.ts', import.meta.url), {
    workerData: { handle: clock.handle, what },
    execArgv: ['--conditions=@corelane/source'],
  });
  const [answer] = await once(worker, 'message');
  return { worker, answer };
}

describe('the word', () => {
  test('stands until something ticks, and then shows the whole milliseconds since it was created', () => {
    const { clock } = newClock();
    block(clock, 3);
    expect(clock.now()).toBe(0);
    expect(clock.ageMs()).toBeGreaterThanOrEqual(3);
    const before = Math.floor(clock.elapsedMs());
    const shown = clock.tick();
    expect(shown).toBeGreaterThanOrEqual(before);
    expect(shown).toBeLessThanOrEqual(Math.floor(clock.elapsedMs()));
    expect(clock.now()).toBe(shown);
  });

  test('is at the address that kernels load', () => {
    const { arena, clock } = newClock(41);
    expect(Atomics.load(arena.i32, clock.addressOfNow >> 2)).toBe(41);
    expect(clock.addressOfNow % 128).toBe(0);
  });

  test('wraps from the largest to the smallest i32', () => {
    const { clock } = newClock(0x7fffffff);
    const before = clock.now();
    block(clock, 2);
    const after = clock.tick();
    expect(before).toBe(0x7fffffff);
    expect(after).toBeLessThan(-0x7fffff00);
    expect((after - before) | 0).toBeGreaterThanOrEqual(2);
    expect(clock.isStale(1000)).toBe(false);
  });

  test('never goes back, though another thread is ahead', () => {
    const { arena, clock } = newClock();
    Atomics.store(arena.i32, clock.addressOfNow >> 2, 1_000_000);
    expect(clock.tick()).toBe(1_000_000);
    expect(clock.ageMs()).toBe(0);
  });

  test.each([0.5, 2 ** 31, Number.NaN])('does not start at %d', (startMs) => {
    const arena = Arena.create({ bytes: 65536 });
    const used = arena.usedBytes;
    expect(() => CoarseClock.create(arena, { startMs })).toThrow(ArgumentRangeError);
    expect(arena.usedBytes).toBe(used);
  });

  test('all threads agree on the time to a tenth of a millisecond', async () => {
    const { clock } = newClock();
    const { worker, answer } = await clockWorker(clock, 'origin');
    expect(Math.abs(originMs(clock) - (answer as number))).toBeLessThan(0.1);
    await worker.terminate();
  });
});

describe('a handle', () => {
  test('leads to the same clock', () => {
    const { clock } = newClock(5);
    const other = CoarseClock.attach(structuredClone(clock.handle));
    clock.tick();
    expect(other.now()).toBe(clock.now());
    expect(other.addressOfNow).toBe(clock.addressOfNow);
  });

  test('of another kind is refused', () => {
    const { clock } = newClock();
    const handle = { ...clock.handle, kind: 'shared-memory/parker' as never };
    expect(() => CoarseClock.attach(handle)).toThrow(AttachError);
  });
});

test.each([Number.NaN, -1, Infinity])(
  'a clock that claims to have been created at %d is refused',
  (claimedMs) => {
    const { arena, clock } = newClock();
    arena.f64[(clock.handle.at + coarseClockRoot.offset.originMs) >> 3] = claimedMs;
    expect(() => CoarseClock.attach(clock.handle)).toThrow(/originMs is .*, expected "a time in the past"/);
  },
);

describe.each(['this', 'own'] as const)('a ticker on %s thread', (thread) => {
  test('keeps the clock up to date until it is disposed', async () => {
    const { clock } = newClock();
    const ticker = start(clock, { thread });
    await ticker.ready;
    const from = clock.now();
    await until(() => ((clock.now() - from) | 0) >= 5);
    expect(ticker.isTicking).toBe(true);
    await ticker[Symbol.asyncDispose]();
    await expect(ticker.ended).resolves.toBe('disposed');
    expect(ticker.isTicking).toBe(false);
    expect(clock.hasTicker).toBe(false);
    const shown = clock.now();
    block(clock, 5);
    expect(clock.now()).toBe(shown);
  });

  test('refuses a second one, in numbers', async () => {
    const { clock } = newClock();
    start(clock, { thread });
    expect(() => clock.startTicker({ thread })).toThrow(
      expect.objectContaining({
        code: 'ERR_TICKER_RUNNING',
        message: expect.stringMatching(/is \d+ ms behind, expected .* 1000 ms/),
      }),
    );
  });

  test('may be disposed twice, and another one can start', async () => {
    const { clock } = newClock();
    const first = start(clock, { thread });
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    const second = start(clock, { thread });
    expect(second.isTicking).toBe(true);
    await first[Symbol.asyncDispose]();
    expect(second.isTicking).toBe(true);
  });

  test.each([
    { intervalMs: 0 },
    { intervalMs: 1.5 },
    { intervalMs: 1001 },
    { takeOverAfterMs: 0 },
    { thread: 'main' as never },
  ])('refuses %o and leaves the clock free', (options) => {
    const { clock } = newClock();
    expect(() => clock.startTicker({ thread, ...options })).toThrow(ArgumentRangeError);
    expect(clock.hasTicker).toBe(false);
  });
});

test('a ticker on its own thread ticks while the event loop is blocked; one on this thread does not', async () => {
  const own = newClock().clock;
  const here = newClock().clock;
  await start(own, { thread: 'own' }).ready;
  start(here, { thread: 'this' });
  const [ownFrom, hereFrom] = [own.now(), here.now()];
  block(own, 100);
  expect((own.now() - ownFrom) | 0).toBeGreaterThan(10);
  expect((here.now() - hereFrom) | 0).toBe(0);
});

test('a ticker whose thread was killed lets the clock go stale, and is taken over', async () => {
  const { clock } = newClock();
  const { worker, answer } = await clockWorker(clock, 'tick');
  expect(answer).toBe(true);
  await worker.terminate();
  expect(clock.hasTicker).toBe(true);
  expect(() => clock.startTicker({ takeOverAfterMs: 1e9 })).toThrow('expected no ticker');
  block(clock, 250);
  expect(clock.isStale(200)).toBe(true);
  const successor = start(clock, { takeOverAfterMs: 200 });
  expect(clock.isStale(200)).toBe(false);
  expect(successor.isTicking).toBe(true);
});

test.each(['this', 'own'] as const)(
  'a ticker on %s thread that was taken for dead ends itself',
  async (thread) => {
    const { arena, clock } = newClock();
    const slow = start(clock, { thread });
    await slow.ready;
    // Taken over by a thread that found it stale: what claimTicker does.
    Atomics.store(arena.i32, (clock.handle.at + coarseClockRoot.offset.ticker) >> 2, 99);
    await expect(slow.ended).resolves.toBe('superseded');
    expect(slow.isTicking).toBe(false);
    slow[Symbol.dispose]();
    expect(clock.hasTicker).toBe(true);
  },
);

test('a thread of its own that dies is an error and frees the clock', async () => {
  const { arena, clock } = newClock();
  const ticker = clock.startTicker({ thread: 'own' });
  // Breaks the header, so that the thread cannot attach.
  arena.i32[(clock.handle.at + coarseClockRoot.offset.magic) >> 2] = 0;
  await expect(ticker.ended).rejects.toMatchObject({
    code: 'ERR_TICKER_DIED',
    cause: { code: 'ERR_ATTACH' },
  });
  expect(clock.hasTicker).toBe(false);
});
