import { describe, expect, test, vi } from 'vitest';
import type { Answer, CpuSet } from '../src/index.ts';
import { affinity, pin, place, PlatformOptionError, setAffinity, Topology } from '../src/index.ts';
import { inChild } from './child.ts';
import { cpusetGroup } from './cpuset-group.ts';
import { cpus, linux, NO_CPU } from './machine-facts.ts';
import { native } from './native-mode.ts';
import { host, task, withAddon } from './thread-hosts.ts';
import { ThreadWorker } from './thread-worker.ts';

// Workers and processes start slowly on a machine that is busy with others.
vi.setConfig({ testTimeout: 30_000 });

const [first = 0] = cpus;
const last = cpus.at(-1) ?? 0;

/** What an answer must be that takes the addon. */
function expectNeedsAddon(answer: Answer<unknown>): void {
  expect(answer).toMatchObject({ status: 'unsupported' });
  expect((answer as { reason: string }).reason).toMatch(/addon/);
}

describe.runIf(linux)('on this machine', () => {
  test('a worker that is pinned from outside is seen to run where it was put', async () => {
    await using worker = await ThreadWorker.start();
    for (const cpu of [first, last]) {
      const answer = setAffinity([cpu], worker.tid);
      if (!native) return expectNeedsAddon(answer);
      expect(answer).toEqual({ status: 'verified', value: [cpu] });
      // Twice its own word, and once from outside.
      expect(await worker.ask('currentCpu')).toMatchObject({ status: 'verified', value: { cpu } });
      expect(await worker.ask('affinity')).toEqual({ status: 'verified', value: [cpu] });
      expect(affinity(worker.tid)).toEqual({ status: 'verified', value: [cpu] });
    }
    expect(setAffinity(cpus, worker.tid)).toEqual({ status: 'verified', value: cpus });
  });

  test('a worker pins itself by a slot that it was sent, and no other thread is moved', async () => {
    const before = affinity();
    expect(before).toMatchObject({ status: 'verified' });
    const topology = Topology.read();
    const { slots } = place(topology, { policy: 'spread', threads: 2 });
    for (const slot of slots) {
      await using worker = await ThreadWorker.start();
      const answer = await worker.ask('pin', slot);
      if (!native) return expectNeedsAddon(answer);
      expect(answer).toEqual({ status: 'verified', value: { cpus: slot.cpus, node: slot.node } });
      expect(await worker.ask('currentCpu')).toEqual({
        status: 'verified',
        value: { cpu: slot.cpus[0], node: slot.node },
      });
      expect(affinity()).toEqual(before);
    }
  });

  test('a CPU that does not exist is refused, and one among others is told', async () => {
    await using worker = await ThreadWorker.start();
    const none = setAffinity([NO_CPU], worker.tid);
    if (!native) return expectNeedsAddon(none);
    expect(none).toMatchObject({ status: 'refused', errno: 'EINVAL' });
    expect(none).toMatchObject({ reason: expect.stringContaining(`none of CPUs ${NO_CPU} is both online`) });
    const some = setAffinity([first, NO_CPU], worker.tid);
    expect(some).toMatchObject({ status: 'refused', errno: null });
    expect(some).toMatchObject({
      reason: expect.stringContaining(`the thread may run on ${first}: the others of ${first},${NO_CPU}`),
    });
    expect(affinity(worker.tid)).toEqual({ status: 'verified', value: [first] });
  });

  test('a cpuset that forbids a CPU narrows the mask, and leaves nothing of one outside', async ({
    skip,
  }) => {
    if (cpus.length < 2) return skip('one CPU');
    using group = cpusetGroup(`${first}`);
    if (group.add === undefined) return skip(group.reason);
    const [own, both, outside] = await inChild<[Answer<CpuSet>, Answer<CpuSet>, Answer<CpuSet>]>(
      `return [platform.affinity(), platform.setAffinity([${first}, ${last}]), platform.setAffinity([${last}])]`,
      { prepare: group.add },
    );
    expect(own).toEqual({ status: 'verified', value: [first] });
    if (!native) return expectNeedsAddon(both);
    expect(both).toMatchObject({ status: 'refused', errno: null });
    expect(outside).toMatchObject({ status: 'refused', errno: 'EINVAL' });
  });

  test('a thread that ended, and one of another process, are refused', async () => {
    const worker = await ThreadWorker.start();
    await worker[Symbol.asyncDispose]();
    for (const tid of [worker.tid, process.ppid, 1]) {
      expect(affinity(tid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
      expect(setAffinity([first], tid)).toMatchObject({
        status: 'refused',
        errno: 'ESRCH',
        reason: expect.stringContaining(`${tid} is no thread of this process`),
      });
    }
  });

  test('needs no privilege', async () => {
    const answer = await inChild<Answer<CpuSet>>(`return platform.setAffinity([${first}])`, {
      unprivileged: true,
    });
    if (native) expect(answer).toEqual({ status: 'verified', value: [first] });
    else expectNeedsAddon(answer);
  });
});

describe('bad input throws and changes nothing', () => {
  test('sets', () => {
    const before = affinity();
    for (const bad of [[], [-1], [1.5], [Number.NaN], [16_384]])
      expect(() => setAffinity(bad)).toThrow(PlatformOptionError);
    expect(affinity()).toEqual(before);
  });

  test('thread ids and slots', () => {
    for (const bad of [
      0,
      -1,
      1.5,
      Number.NaN,
      2 ** 31,
      '5' as unknown as number,
      null as unknown as number,
    ]) {
      expect(() => affinity(bad)).toThrow(PlatformOptionError);
      expect(() => setAffinity([0], bad)).toThrow('is no whole number from 1 to 2147483647');
    }
    for (const bad of [
      undefined,
      null,
      3,
      {},
      { cpus: 3 },
      { cpus: [] },
      { cpus, node: 'x' },
      { cpus, node: -1 },
    ])
      expect(() => pin(bad as never)).toThrow(PlatformOptionError);
  });
});

describe('other kernels', () => {
  test('with more CPUs than libc has room for', () => {
    const bytes = 1024; // 8192 CPUs
    let set = new Uint8Array(bytes);
    const asked: number[] = [];
    const addon = {
      affinity: (_: number, view: Uint8Array, offset: number, length: number): number => {
        asked.push(length);
        if (length < bytes) return -22;
        view.set(set, offset);
        return bytes;
      },
      setAffinity: (_: number, view: Uint8Array, offset: number, length: number): number => {
        set = new Uint8Array(bytes);
        set.set(view.subarray(offset, offset + length));
        return 0;
      },
    };
    const large = withAddon(addon);
    expect(setAffinity([8191, 3, 64, 3], undefined, large)).toEqual({
      status: 'verified',
      value: [3, 64, 8191],
    });
    expect(affinity(9, large)).toEqual({ status: 'verified', value: [3, 64, 8191] });
    expect(asked).toEqual([128, 256, 512, 1024, 128, 256, 512, 1024]);
  });

  test('that never find room, lack the call, or lose the thread on the way', () => {
    expect(affinity(undefined, withAddon({ affinity: () => -22 }))).toMatchObject({ errno: 'EINVAL' });
    expect(affinity(undefined, withAddon({}))).toMatchObject({ status: 'unsupported' });
    expect(setAffinity([1], 9, withAddon({ setAffinity: () => -3 }))).toMatchObject({
      errno: 'ESRCH',
      reason: expect.stringContaining('9 is no thread of this process'),
    });
    expect(setAffinity([1], 9, withAddon({ setAffinity: () => -1 }))).toMatchObject({ errno: 'EPERM' });
    const gone = withAddon({ setAffinity: () => 0, affinity: () => -3 });
    expect(setAffinity([1], 9, gone)).toMatchObject({ errno: 'ESRCH' });
  });

  test('Linux without the addon reads the mask of those online, and sets none', () => {
    const files = { ...task('self'), ...task(12), '/sys/devices/system/cpu/online': '0-1,8\n' };
    const bare = host('linux', files);
    expect(affinity(undefined, bare)).toEqual({ status: 'verified', value: [0, 1, 8] });
    expect(affinity(12, bare)).toEqual({ status: 'verified', value: [0, 1, 8] });
    expect(affinity(13, bare)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    expect(setAffinity([0], 12, bare)).toMatchObject({
      status: 'unsupported',
      reason: expect.stringContaining('needs the addon, and there is no addon for the test'),
    });
    expect(affinity(undefined, host('linux', task('self')))).toEqual({
      status: 'verified',
      value: [0, 1, 2, 3, 8],
    });
    expect(affinity(undefined, host('linux'))).toMatchObject({ status: 'unsupported' });
    const bad = { '/proc/thread-self/status': 'Cpus_allowed_list:\t3-1\n' };
    expect(affinity(undefined, host('linux', bad))).toMatchObject({ status: 'unsupported' });
  });

  test.each(['darwin', 'win32'])('%s says that it cannot', (platform) => {
    for (const answer of [
      affinity(undefined, host(platform)),
      affinity(5, host(platform)),
      setAffinity([0], undefined, host(platform)),
      pin({ cpus: [0], node: null }, 5, host(platform)),
    ])
      expect(answer).toMatchObject({ status: 'unsupported', reason: expect.stringContaining(platform) });
  });
});
