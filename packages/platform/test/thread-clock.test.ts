import { existsSync, readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expectZeroAllocation } from '@corelane/memory-tracker';
import { describe, expect, test, vi } from 'vitest';
import type { Answer } from '../src/index.ts';
import { PlatformDisposedError, PlatformOptionError, ThreadClock, threadCpuTimeNs } from '../src/index.ts';
import { linux } from './machine-facts.ts';
import { native } from './native-mode.ts';
import { host, ME, task, withAddon } from './thread-hosts.ts';
import { ThreadWorker } from './thread-worker.ts';

// Workers and processes start slowly on a machine that is busy with others.
vi.setConfig({ testTimeout: 30_000 });

function valueOf<T>(answer: Answer<T>): T {
  if (answer.status !== 'verified') throw new Error(answer.reason);
  return answer.value;
}

/** Uses the CPU until the clock says so. */
function burn(read: () => number, ns: number): void {
  const end = read() + ns;
  while (read() < end);
}

const own = (): number => valueOf(threadCpuTimeNs());

describe.runIf(linux)('on this machine', () => {
  test('a clock tells milliseconds of CPU time, as the port of scheduler asks', () => {
    using clock = valueOf(ThreadClock.open());
    const port: { readonly source: 'thread' | 'wall'; nowMs(): number } = clock;
    expect(port.source).toBe('thread');
    const before = clock.readNs();
    const ms = port.nowMs();
    expect(ms * 1e6).toBeGreaterThanOrEqual(before - 1);
    expect(ms * 1e6).toBeLessThanOrEqual(clock.readNs() + 1);
  });

  test('the clock of a thread counts its running, and not its waiting or that of others', async () => {
    await using worker = await ThreadWorker.start();
    await worker.ask('nice');
    const before = valueOf(threadCpuTimeNs(worker.tid));
    const mine = own();
    burn(own, 40_000_000);
    expect(own() - mine).toBeGreaterThanOrEqual(40_000_000);
    // It answered nothing meanwhile, and so had nothing to run for but V8's housekeeping.
    expect(valueOf(threadCpuTimeNs(worker.tid)) - before).toBeLessThan(20_000_000);
  });

  test('a thread and its observer read the same clock', async () => {
    await using worker = await ThreadWorker.start();
    const earlier = valueOf(threadCpuTimeNs(worker.tid));
    const inside = valueOf(await worker.ask<number>('threadCpuTimeNs'));
    const later = valueOf(threadCpuTimeNs(worker.tid));
    expect(inside).toBeGreaterThanOrEqual(earlier);
    expect(later).toBeGreaterThanOrEqual(inside);
  });

  test('a bound clock goes on with its thread, never backwards, and is NaN once it ended', async () => {
    const worker = await ThreadWorker.start();
    using clock = valueOf(ThreadClock.open(worker.tid));
    expect(clock.tid).toBe(worker.tid);
    let last = clock.readNs();
    for (let round = 0; round < 100; round++) {
      const now = clock.readNs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    await worker.ask('nice');
    expect(clock.readNs()).toBeGreaterThanOrEqual(last);
    await worker[Symbol.asyncDispose]();
    // Joined, so gone; a thread's entry in /proc goes a moment later.
    while (existsSync(`/proc/self/task/${worker.tid}`));
    expect(clock.readNs()).toBeNaN();
    expect(threadCpuTimeNs(worker.tid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    expect(ThreadClock.open(worker.tid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
  });

  test.runIf(native)('reading a bound clock into an array allocates nothing', () => {
    using clock = valueOf(ThreadClock.open());
    const cell = new Float64Array(2);
    const read = (): void => clock.readInto(cell, 1);
    expect(expectZeroAllocation(read, { iterations: 2000 })).toBeLessThan(0.1);
    expect(cell[0]).toBe(0);
    expect(cell[1]).toBeGreaterThan(0);
  });

  test('a clock that was dropped leaves no file open', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const files = (): number => readdirSync('/proc/self/fd').length;
    const before = files();
    (() => {
      for (let n = 0; n < 20; n++) valueOf(ThreadClock.open()).readNs();
    })();
    if (!native) expect(files()).toBeGreaterThan(before);
    for (let turn = 0; files() > before && turn < 200; turn++) {
      collect();
      await new Promise(setImmediate);
    }
    expect(files()).toBeLessThanOrEqual(before);
  });

  test('an array of another type, in which a number would lie across elements, is refused', () => {
    using clock = valueOf(ThreadClock.open());
    const others = [new Float32Array(8), new BigInt64Array(8), new Uint8Array(64), [0, 0], undefined];
    for (const other of others)
      expect(() => clock.readInto(other as unknown as Float64Array, 0)).toThrow(PlatformOptionError);
    for (const other of others.slice(0, 3)) expect([...(other as Uint8Array)].every((n) => !n)).toBe(true);
  });

  test('an index outside of the array is refused before anything is written', () => {
    using clock = valueOf(ThreadClock.open());
    const cell = new Float64Array(new SharedArrayBuffer(16));
    for (const bad of [-1, 2, 0.5, Number.NaN, 2 ** 32])
      expect(() => clock.readInto(cell, bad)).toThrow(PlatformOptionError);
    expect([...cell]).toEqual([0, 0]);
    clock.readInto(cell, 1);
    expect(cell[1]).toBeGreaterThan(0);
  });

  test('threads of other processes are refused', () => {
    expect(threadCpuTimeNs(process.ppid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    expect(ThreadClock.open(1)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
  });
});

test('use after disposal throws, disposing twice is harmless', () => {
  const clock = valueOf(ThreadClock.open());
  clock[Symbol.dispose]();
  clock[Symbol.dispose]();
  expect(() => clock.readNs()).toThrow(PlatformDisposedError);
});

test('thread ids are checked', () => {
  for (const bad of [0, -5, 1.5, Number.NaN]) {
    expect(() => threadCpuTimeNs(bad)).toThrow(PlatformOptionError);
    expect(() => ThreadClock.open(bad)).toThrow(PlatformOptionError);
  }
});

describe('other systems', () => {
  test('Linux without the addon reads schedstat, then what Node has, then ticks', () => {
    const files = { ...task('self'), ...task(12) };
    expect(threadCpuTimeNs(12, host('linux', files))).toEqual({ status: 'verified', value: 123_456_789 });
    const { ['/proc/thread-self/schedstat']: _, ...without } = files;
    const node = { cpuTimeNs: () => 5000 };
    expect(threadCpuTimeNs(undefined, host('linux', without, node))).toMatchObject({ value: 5000 });
    expect(threadCpuTimeNs(undefined, host('linux', without))).toMatchObject({ value: 120_000_000 });
    expect(threadCpuTimeNs(undefined, host('linux'))).toMatchObject({ status: 'unsupported' });
  });

  test('a kernel that books no time of threads has 0 in schedstat, which is not taken for a time', () => {
    const files = {
      ...task('self'),
      ...task(12),
      '/proc/thread-self/schedstat': '0 0 0\n',
      '/proc/self/task/12/schedstat': '0 0 0\n',
    };
    const opened: string[] = [];
    const open = (path: string): undefined => void opened.push(path);
    const bare = host('linux', files, { open });
    expect(threadCpuTimeNs(12, bare)).toEqual({ status: 'verified', value: 120_000_000 });
    expect(ThreadClock.open(12, bare)).toMatchObject({ status: 'unsupported' });
    const node = host('linux', files, { open, cpuTimeNs: () => 5000 });
    expect(valueOf(ThreadClock.open(undefined, node)).readNs()).toBe(5000);
    expect(opened).toEqual([]);
  });

  test('without /proc the caller has the clock that Node has', () => {
    const clock = valueOf(ThreadClock.open(undefined, host('linux', {}, { cpuTimeNs: () => 6000 })));
    expect([clock.tid, clock.readNs()]).toEqual([null, 6000]);
  });

  test('a clock without the addon keeps its file open, reads it whole, and closes it once', () => {
    let closed = 0;
    let text = '9007199254740991 1 2\n';
    const opened: string[] = [];
    const bare = host(
      'linux',
      { ...task('self'), ...task(12) },
      {
        open: (path) => {
          opened.push(path);
          return {
            read: (into) => (text === '' ? -3 : new TextEncoder().encodeInto(text, into).written),
            close: () => void closed++,
          };
        },
      },
    );
    const clock = valueOf(ThreadClock.open(undefined, bare));
    expect(clock.tid).toBe(ME);
    expect(opened).toEqual(['/proc/thread-self/schedstat']);
    expect(clock.readNs()).toBe(9_007_199_254_740_991);
    text = '';
    expect(clock.readNs()).toBeNaN();
    clock[Symbol.dispose]();
    clock[Symbol.dispose]();
    expect(closed).toBe(1);
    expect(ThreadClock.open(12, host('linux', task(12)))).toMatchObject({ status: 'unsupported' });
  });

  test.each(['darwin', 'win32'])(
    '%s has the clock of the caller where Node does, and no other',
    (platform) => {
      const modern = host(platform, {}, { cpuTimeNs: () => 7000 });
      expect(threadCpuTimeNs(undefined, modern)).toEqual({ status: 'verified', value: 7000 });
      expect(threadCpuTimeNs(5, modern)).toMatchObject({ status: 'unsupported' });
      expect(threadCpuTimeNs(undefined, host(platform))).toMatchObject({ status: 'unsupported' });
      const clock = valueOf(ThreadClock.open(undefined, modern));
      expect([clock.tid, clock.readNs()]).toEqual([null, 7000]);
      expect(ThreadClock.open(5, modern)).toMatchObject({ status: 'unsupported' });
    },
  );

  test('a kernel without the clock is unsupported', () => {
    expect(threadCpuTimeNs(undefined, withAddon({}))).toMatchObject({ status: 'unsupported' });
  });
});
