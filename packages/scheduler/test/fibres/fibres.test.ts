// What fibres keep to under every policy: each runs to its end once, waits for what it asked to wait for, and can be cancelled.
// Longer than other files: one property after the other of one class, each a few lines.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as immediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import {
  FIBRE_POLICIES,
  FibreCancelledError,
  FibreCycleError,
  FibresClosedError,
  FibreScheduler,
  FibresExhaustedError,
  FibreUnfinishedError,
  FibreYieldError,
  giveWay,
  join,
  pause,
  sleep,
  uncancelled,
  until,
  type Fibre,
  type FibreGenerator,
} from '../../src/fibres/index.ts';
import { FibreTask } from '../../src/fibres/fibre-task.ts';
import type { Wait } from '../../src/fibres/waits.ts';

function* sum(count: number, gap: () => FibreGenerator<void>): FibreGenerator<number> {
  let total = 0;
  for (let i = 1; i <= count; i++) {
    total += i;
    yield* gap();
  }
  return total;
}

const gaps: Readonly<Record<string, () => FibreGenerator<void>>> = {
  *yield() {
    yield;
  },
  *pause() {
    yield* pause;
  },
  *giveWay() {
    yield* giveWay;
  },
  *sleep() {
    yield* sleep(0);
  },
  *until() {
    yield* until(Promise.resolve());
  },
};

/** A promise of which the test says when. */
function gate<T = void>(): { readonly promise: Promise<T>; readonly open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}

describe.each(FIBRE_POLICIES)('policy %s', (policy) => {
  test('every fibre runs once, to its end, however it makes way, and joins give what it returned', async () => {
    await using fibres = new FibreScheduler({ policy });
    const all: Fibre<number>[] = [];
    for (const gap of Object.values(gaps)) for (let i = 0; i < 50; i++) all.push(fibres.spawn(sum(i, gap)));
    const total = fibres.spawn(function* () {
      let sums = 0;
      for (const each of all) sums += yield* join(each);
      return sums;
    });
    expect(await total.join()).toBe(5 * all.slice(0, 50).reduce((sums, _, i) => sums + (i * (i + 1)) / 2, 0));
    expect(await Promise.all(all.map((each) => each.join()))).toEqual(all.map((each) => each.result));
    expect(fibres.stats()).toMatchObject({ spawned: 251, finished: 251, failed: 0, live: 0, ready: 0 });
  });

  test('nothing of a fibre runs before spawn returns, and nothing of one that is cancelled before', async () => {
    await using fibres = new FibreScheduler({ policy });
    const order: string[] = [];
    function* note(name: string): FibreGenerator<void> {
      order.push(name);
      yield;
    }
    fibres.spawn(() => note('runs'));
    const never = fibres.spawn(() => note('never'));
    const aborted = fibres.spawn(() => note('aborted'), { signal: AbortSignal.abort('before') });
    expect(never.cancel('why')).toBe(true);
    expect(never.cancel()).toBe(false);
    order.push('spawned');
    await expect(never.join()).rejects.toBe('why');
    await expect(aborted.join()).rejects.toBe('before');
    await fibres.close();
    expect(order).toEqual(['spawned', 'runs']);
  });

  test('a cancelled fibre runs its finally blocks, which may wait, wherever it is', async () => {
    await using fibres = new FibreScheduler({ policy });
    const cleaned: string[] = [];
    const forever = gate();
    const idle = fibres.spawn(function* () {
      yield* until(forever.promise);
    });
    const waits: Readonly<Record<string, () => FibreGenerator<void>>> = {
      *sleeping() {
        yield* sleep(1e9);
      },
      *joining() {
        yield* join(idle);
      },
      *waiting() {
        yield* until(forever.promise);
      },
      *ready() {
        for (;;) yield* giveWay;
      },
    };
    const begun: Promise<void>[] = [];
    const victims = Object.entries(waits).map(([name, wait]) => {
      const { promise, open } = gate();
      begun.push(promise);
      return fibres.spawn(
        function* () {
          try {
            open();
            yield* wait();
          } finally {
            yield* sleep(1);
            cleaned.push(name);
          }
        },
        { name },
      );
    });
    await Promise.all(begun);
    await immediate();
    expect(victims.map(({ state }) => state)).toEqual(Object.keys(waits));
    for (const victim of victims) victim.cancel();
    for (const victim of victims) {
      await expect(victim.join()).rejects.toThrow(FibreCancelledError);
      expect(victim.state).toBe('cancelled');
    }
    expect(cleaned.toSorted()).toEqual(Object.keys(waits).toSorted());
    expect(idle.state).toBe('waiting');
    forever.open();
    await idle.join();
    expect(fibres.stats().sleeping).toBe(0);
  });

  test('the event loop has its turns while fibres never wait', async () => {
    await using fibres = new FibreScheduler({ policy, turnEveryMs: 1 });
    const end = new AbortController();
    const spinner = fibres.spawn(function* () {
      while (!end.signal.aborted) yield;
    });
    for (let i = 0; i < 20; i++) await immediate();
    end.abort();
    await spinner.join();
    expect(fibres.stats().turns).toBeGreaterThanOrEqual(20);
  });

  test('promises that are settled at once do not keep the event loop from its turn', async () => {
    await using fibres = new FibreScheduler({ policy, turnEveryMs: 1 });
    const end = new AbortController();
    const spinner = fibres.spawn(function* () {
      while (!end.signal.aborted) yield* until(Promise.resolve());
    });
    for (let i = 0; i < 5; i++) await immediate();
    end.abort();
    await spinner.join();
    expect(spinner.polls).toBeGreaterThan(5);
  });

  test('what a fibre throws is what joins throw, in fibres and outside', async () => {
    await using fibres = new FibreScheduler({ policy });
    const error = new RangeError('broken');
    const broken = fibres.spawn(function* (): FibreGenerator<never> {
      yield;
      throw error;
    });
    const witness = fibres.spawn(function* () {
      try {
        return yield* join(broken);
      } catch (thrown) {
        return thrown;
      }
    });
    expect(await witness.join()).toBe(error);
    await expect(broken.join()).rejects.toBe(error);
    expect(broken.error).toBe(error);
    expect(() => broken.result).toThrow(error);
    expect(broken.state).toBe('failed');
  });
});

test('until goes on with what a promise is settled with, and throws what it rejects with', async () => {
  await using fibres = new FibreScheduler();
  const error = new Error('no');
  const fibre = fibres.spawn(function* () {
    const value: number = yield* until(Promise.resolve(7));
    try {
      yield* until(Promise.reject(error));
    } catch (thrown) {
      return [value, thrown];
    }
    return [];
  });
  expect(await fibre.join()).toEqual([7, error]);
  expect(() => fibres.spawn(until(7 as never)).cancel()).not.toThrow();
  await expect(fibres.spawn(until(7 as never)).join()).rejects.toThrow(/promise is 7, expected a promise/);
  const odd = {
    // oxlint-disable-next-line unicorn/no-thenable -- that is what it is about
    then(): void {
      throw error;
    },
  };
  await expect(fibres.spawn(until(odd as unknown as Promise<void>)).join()).rejects.toBe(error);
});

test('sleeps end in the order of their times, none too early', async () => {
  await using fibres = new FibreScheduler();
  const order: number[] = [];
  const times = [30, 5, 20, 0, 10, 5, 25];
  await Promise.all(
    times.map((ms) => {
      const startMs = performance.now();
      return fibres
        .spawn(function* () {
          yield* sleep(ms);
          order.push(ms);
          expect(performance.now() - startMs).toBeGreaterThanOrEqual(ms);
        })
        .join();
    }),
  );
  expect(order).toEqual(times.toSorted((a, b) => a - b));
  await expect(fibres.spawn(sleep(-1)).join()).rejects.toThrow(/ms is -1, expected 0 to/);
});

test('a circle of joins is refused where it would be closed', async () => {
  await using fibres = new FibreScheduler();
  const all: Fibre<string>[] = [];
  for (let i = 0; i < 3; i++)
    all.push(
      fibres.spawn(
        function* (): FibreGenerator<string> {
          return yield* join(all[(i + 1) % 3] as Fibre<string>);
        },
        { name: `f${i}` },
      ),
    );
  const errors = await Promise.all(all.map((each) => each.join().catch((error: unknown) => error)));
  expect(errors[0]).toBeInstanceOf(FibreCycleError);
  expect((errors[0] as FibreCycleError).fibres).toEqual(['f2', 'f0', 'f1']);
  expect(errors[1]).toBe(errors[0]);
});

test('what fails while it would have been waited for by a fibre that was cancelled meanwhile is nobody else’s', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    await using fibres = new FibreScheduler({ onError: onUnhandled });
    // oxlint-disable-next-line require-yield -- it fails at once
    const other: Fibre = fibres.spawn(function* fails() {
      throw new RangeError('other');
    });
    for (const wait of [() => until(Promise.reject(new RangeError('promise'))), () => join(other)]) {
      const fibre: Fibre = fibres.spawn(function* cancelsItself() {
        fibre.cancel();
        yield* wait();
      });
      await expect(fibre.join()).rejects.toThrow(FibreCancelledError);
    }
    await immediate();
    await immediate();
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
});

test('what is not to be cancelled is not: it is told afterwards', async () => {
  await using fibres = new FibreScheduler();
  const order: string[] = [];
  function* work(): FibreGenerator<string> {
    yield* sleep(5);
    order.push('slept');
    return 'result';
  }
  const fibre = fibres.spawn(function* () {
    try {
      order.push(yield* uncancelled(work()));
      yield;
      order.push('never');
    } finally {
      order.push('finally');
    }
  });
  while (fibre.state !== 'sleeping') await immediate();
  expect(fibre.cancel('why')).toBe(true);
  expect(fibre.state).toBe('sleeping');
  await expect(fibre.join()).rejects.toBe('why');
  expect(order).toEqual(['slept', 'result', 'finally']);
  const itself: Fibre = fibres.spawn(function* () {
    try {
      itself.cancel();
    } finally {
      yield* uncancelled(work());
      order.push('cleaned');
    }
  });
  await expect(itself.join()).rejects.toThrow(FibreCancelledError);
  expect(order.slice(3)).toEqual(['slept', 'cleaned']);
  const failing = fibres.spawn(function* (): FibreGenerator<void> {
    yield* uncancelled(
      (function* (): FibreGenerator<never> {
        yield;
        throw new Error('within');
      })(),
    );
  });
  await expect(failing.join()).rejects.toThrow('within');
});

test('who no longer waits for a fibre is forgotten by it', async () => {
  await using fibres = new FibreScheduler();
  const { promise, open } = gate();
  const long = fibres.spawn(until(promise));
  const forget = vi.spyOn(FibreTask.prototype, 'forget');
  const joining = Array.from({ length: 10 }, () => fibres.spawn(join(long)));
  await immediate();
  for (const each of joining) each.cancel();
  expect(forget).toHaveBeenCalledTimes(10);
  forget.mockRestore();
  open();
  await long.join();
});

test('what a fibre has waited for is of no use to another one', async () => {
  await using fibres = new FibreScheduler();
  const wait = sleep(1).next().value as Wait;
  function* twice(): FibreGenerator<void> {
    yield wait;
  }
  await fibres.spawn(twice).join();
  await expect(fibres.spawn(twice).join()).rejects.toThrow(/has waited for before/);
});

test('fibres run in the async context of their scheduler, whoever polls or wakes them', async () => {
  const storage = new AsyncLocalStorage<string>();
  const fibres = storage.run('made', () => new FibreScheduler());
  const seen: unknown[] = [];
  const fibre = storage.run('spawned', () =>
    fibres.spawn(function* () {
      seen.push(storage.getStore());
      yield* sleep(1);
      seen.push(storage.getStore());
    }),
  );
  storage.run('polled', () => fibres.poll());
  await fibre.join();
  expect(seen).toEqual(['made', 'made']);
});

test('close with a time-out cancels what is left', async () => {
  const fibres = new FibreScheduler();
  const lasting = fibres.spawn(sleep(1e9));
  expect(() => fibres.close({ timeoutMs: 0 })).toThrow(/timeoutMs is 0/);
  await fibres.close({ timeoutMs: 5 });
  await expect(lasting.join()).rejects.toThrow(FibreCancelledError);
});

test('a fibre joins one of another scheduler', async () => {
  await using one = new FibreScheduler();
  await using other = new FibreScheduler();
  const far = other.spawn(function* () {
    yield* sleep(1);
    return 'far';
  });
  expect(await one.spawn(join(far)).join()).toBe('far');
});

test('what means nothing is thrown where it is yielded, and can be caught', async () => {
  await using fibres = new FibreScheduler();
  const fibre = fibres.spawn(
    function* () {
      try {
        yield Promise.resolve() as never;
      } catch (error) {
        yield;
        return error;
      }
      return undefined;
    },
    { name: 'odd' },
  );
  expect(await fibre.join()).toBeInstanceOf(FibreYieldError);
  await expect(
    fibres
      .spawn(function* () {
        yield 4 as never;
      })
      .join(),
  ).rejects.toThrow(/yielded \[object Number\], expected nothing/);
});

test('an error that nobody asks about goes to onError, and one that is asked about does not', async () => {
  const onError = vi.fn<(error: unknown, fibre: Fibre) => void>();
  await using fibres = new FibreScheduler({ onError });
  const error = new Error('lost');
  function* fail(): FibreGenerator<never> {
    yield;
    throw error;
  }
  const lost = fibres.spawn(fail, { name: 'lost' });
  const asked = fibres.spawn(fail);
  const joined = fibres.spawn(fail);
  await expect(asked.join()).rejects.toBe(error);
  await expect(fibres.spawn(join(joined)).join()).rejects.toBe(error);
  fibres.spawn(fail).cancel();
  await fibres.close();
  await immediate();
  expect(onError.mock.calls).toEqual([[error, lost]]);
});

test('there are as many fibres as there may be, none after it is closed; close waits, destroy cancels', async () => {
  const fibres = new FibreScheduler({ maxFibres: 2 });
  const { promise, open } = gate();
  const first = fibres.spawn(until(promise), { name: 'first' });
  const second = fibres.spawn(sleep(1e9));
  expect(() => fibres.spawn(sleep(1))).toThrow(FibresExhaustedError);
  expect(() => first.result).toThrow(FibreUnfinishedError);
  second.cancel();
  await expect(second.join()).rejects.toThrow(/was cancelled/);
  fibres.spawn(sleep(1));
  const closed = fibres.close();
  expect(() => fibres.spawn(sleep(1))).toThrow(FibresClosedError);
  open();
  await closed;
  expect(first.isFinished).toBe(true);
  await fibres.close();
  const others = new FibreScheduler();
  const lasting = others.spawn(sleep(1e9));
  await others.destroy('over');
  await expect(lasting.join()).rejects.toBe('over');
});

test('a fibre that is disposed of has ended', async () => {
  const fibres = new FibreScheduler();
  let isClean = false;
  {
    await using fibre = fibres.spawn(function* () {
      try {
        yield* sleep(1e9);
      } finally {
        yield* sleep(1);
        isClean = true;
      }
    });
    while (fibre.state !== 'sleeping') await immediate();
  }
  expect(isClean).toBe(true);
});

test('a signal is let go of when the fibre has ended', async () => {
  await using fibres = new FibreScheduler();
  const controller = new AbortController();
  const remove = vi.spyOn(controller.signal, 'removeEventListener');
  const fibre = fibres.spawn(sleep(0), { signal: controller.signal });
  await fibre.join();
  expect(remove).toHaveBeenCalledOnce();
  const late = fibres.spawn(sleep(1e9), { signal: controller.signal });
  await immediate();
  controller.abort(new Error('aborted'));
  await expect(late.join()).rejects.toThrow('aborted');
});
