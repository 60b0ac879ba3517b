import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  currentCpu,
  MAX_THREAD_NAME_BYTES,
  nice,
  PlatformOptionError,
  schedulingPolicy,
  setThreadName,
  threadId,
  threadName,
  threads,
  Topology,
} from '../src/index.ts';
import type { Answer, CurrentCpu, ThreadInfo } from '../src/index.ts';
import { parseThreadStat } from '../src/threads/thread-stat.ts';
import { inChild } from './child.ts';
import { cpus, linux } from './machine-facts.ts';
import { native } from './native-mode.ts';
import { host, ME, task, withAddon } from './thread-hosts.ts';
import { ThreadWorker } from './thread-worker.ts';

// Workers and processes start slowly on a machine that is busy with others.
vi.setConfig({ testTimeout: 30_000 });

function valueOf<T>(answer: Answer<T>): T {
  if (answer.status !== 'verified') throw new Error(answer.reason);
  return answer.value;
}

describe.runIf(linux)('on this machine', () => {
  test('every thread has an id of its own, and the main thread that of the process', async () => {
    await using first = await ThreadWorker.start();
    await using second = await ThreadWorker.start();
    const tids = [valueOf(threadId()), first.tid, second.tid];
    expect(new Set(tids).size).toBe(3);
    const tasks = readdirSync('/proc/self/task');
    for (const tid of tids) expect(tasks).toContain(`${tid}`);
    expect(await inChild('return platform.threadId().value === process.pid')).toBe(true);
  });

  test('a CPU is one of the machine, with its node', () => {
    const { cpu, node } = valueOf(currentCpu());
    expect(cpus).toContain(cpu);
    // A kernel without NUMA has no file that tells, and one node for all that ask it.
    if (node !== null) expect(node).toBe(Topology.read().nodeOfCpu(cpu));
    else expect([native, existsSync('/sys/devices/system/node')]).toEqual([false, false]);
  });

  test('a worker is named from outside and by itself, and no other thread is', async () => {
    await using worker = await ThreadWorker.start();
    const mine = threadName();
    for (const name of ['höhe-1', 'a', ') R (', 'x'.repeat(MAX_THREAD_NAME_BYTES)]) {
      expect(setThreadName(name, worker.tid)).toEqual({ status: 'verified', value: name });
      expect(threadName(worker.tid)).toEqual({ status: 'verified', value: name });
    }
    expect(readFileSync(`/proc/self/task/${worker.tid}/comm`, 'utf8')).toBe(`${'x'.repeat(15)}\n`);
    expect(await worker.ask('setThreadName', 'self')).toEqual({ status: 'verified', value: 'self' });
    expect(threadName(worker.tid)).toEqual({ status: 'verified', value: 'self' });
    expect(threadName()).toEqual(mine);
  });

  test('the list has every thread that the kernel lists, with what each was given', async () => {
    await using worker = await ThreadWorker.start();
    valueOf(setThreadName('odd) S 1 (name', worker.tid));
    const list = valueOf(threads());
    expect(list.map(({ tid }) => tid)).toEqual(list.map(({ tid }) => tid).toSorted((a, b) => a - b));
    const found = list.find(({ tid }) => tid === worker.tid) as ThreadInfo;
    expect(found).toMatchObject({
      name: 'odd) S 1 (name',
      nice: valueOf(nice()),
      ...valueOf(schedulingPolicy()),
    });
    expect(found.cpuTimeNs).toBeGreaterThan(0);
    expect(cpus).toContain(found.cpu);
    expect(list.map(({ tid }) => tid)).toContain(process.pid);
    expect(list.find(({ tid }) => tid === valueOf(threadId()))?.state).toBe('R');
  });

  test('threads that ended, and those of other processes, are refused', async () => {
    const worker = await ThreadWorker.start();
    await worker[Symbol.asyncDispose]();
    for (const tid of [worker.tid, process.ppid]) {
      expect(threadName(tid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
      expect(setThreadName('a', tid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    }
    expect(valueOf(threads()).map(({ tid }) => tid)).not.toContain(worker.tid);
  });

  test('a name needs no privilege, even where /proc belongs to the root that the process gave up', async () => {
    const answer = await inChild("return platform.setThreadName('a')", { unprivileged: true });
    expect(answer).toEqual({ status: 'verified', value: 'a' });
  });
});

describe('bad input throws and changes nothing', () => {
  test('names', () => {
    const before = threadName();
    for (const bad of ['', 'x'.repeat(16), 'é'.repeat(8), 'a\nb', 'a\0', '\u{d800}', 5 as unknown as string])
      expect(() => setThreadName(bad)).toThrow(PlatformOptionError);
    expect(() => setThreadName('é'.repeat(8))).toThrow('has 16 bytes, expected 1 to 15');
    expect(threadName()).toEqual(before);
  });

  test('thread ids', () => {
    for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      expect(() => threadName(bad)).toThrow(PlatformOptionError);
      expect(() => setThreadName('a', bad)).toThrow(PlatformOptionError);
    }
  });
});

describe('other systems', () => {
  test('Linux without the addon knows itself by /proc/thread-self', () => {
    const bare = host('linux', {
      ...task('self', { cpu: 3 }),
      '/sys/devices/system/cpu/cpu3/node1/x': '',
    });
    expect(threadId(bare)).toEqual({ status: 'verified', value: ME });
    expect(currentCpu(bare)).toEqual({ status: 'verified', value: { cpu: 3, node: 1 } });
    const flat = host('linux', task('self', { cpu: 2 }));
    expect(currentCpu(flat)).toEqual({ status: 'verified', value: { cpu: 2, node: null } });
  });

  test('a file that cannot be written is refused', () => {
    const readOnly = host('linux', task('self'), { writeFile: () => -30 });
    expect(setThreadName('a', undefined, readOnly)).toMatchObject({
      status: 'refused',
      errno: 'EROFS',
      reason: expect.stringContaining('/proc/thread-self/comm cannot be written'),
    });
    expect(setThreadName('a', undefined, host('linux', task('self'), { writeFile: () => 0 }))).toMatchObject({
      status: 'refused',
      errno: null,
    });
  });

  test('a thread that is there is not called gone because its file is', () => {
    const alive = withAddon({});
    for (const tid of [undefined, 9])
      expect(setThreadName('a', tid, alive)).toMatchObject({
        status: 'unsupported',
        reason: expect.stringContaining('/comm, which is not there'),
      });
    const answers = [0, -3];
    const gone = withAddon({ ownThread: () => answers.shift() ?? -3 });
    expect(setThreadName('a', 9, gone)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
  });

  test('Linux without /proc answers that it is missing', () => {
    const bare = host('linux', {}, { readLink: () => undefined });
    const answers = [
      threadId(bare),
      currentCpu(bare),
      threadName(undefined, bare),
      threadName(5, bare),
      threads(bare),
    ];
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 'unsupported', reason: expect.stringContaining('/proc') });
  });

  test('CPU and node come out of one number', () => {
    const far = withAddon({ currentCpu: () => 1023 * 1_048_576 + 8191 });
    expect(currentCpu(far)).toEqual<Answer<CurrentCpu>>({
      status: 'verified',
      value: { cpu: 8191, node: 1023 },
    });
    expect(currentCpu(withAddon({}))).toMatchObject({ status: 'unsupported' });
  });

  test('threads that end while they are listed are left out', () => {
    const files = { ...task(12), ...task(9, { cpu: 1, nice: -5, policy: 1, priority: 4 }) };
    const { ['/proc/self/task/12/comm']: _, ...ended }: Record<string, string> = {
      ...files,
      '/proc/self/task/x/stat': '',
    };
    expect(threads(host('linux', ended))).toEqual({
      status: 'verified',
      value: [
        {
          tid: 9,
          name: 'a) (b',
          state: 'S',
          cpu: 1,
          nice: -5,
          policy: 'fifo',
          priority: 4,
          cpuTimeNs: 123_456_789,
        },
      ],
    });
    expect(valueOf(threads(host('linux', files))).map(({ tid }) => tid)).toEqual([9, 12]);
  });

  test.each(['darwin', 'win32'])('%s cannot tell single threads apart', (platform) => {
    const other = host(platform);
    for (const answer of [
      threadId(other),
      currentCpu(other),
      threadName(undefined, other),
      setThreadName('a', 5, other),
      threads(other),
    ])
      expect(answer).toMatchObject({ status: 'unsupported', reason: expect.stringContaining(platform) });
  });
});

test('no name and no garbage can pass for fields of a thread', () => {
  const [line = ''] = Object.values(task(9, { comm: '@', cpu: 2 }));
  fc.assert(
    fc.property(fc.string({ maxLength: 15 }), (name) => {
      expect(parseThreadStat(line.replace('@', () => name))).toMatchObject({ tid: 9, state: 'S', cpu: 2 });
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const found = parseThreadStat(text);
      expect(found === undefined || Number.isInteger(found.cpu)).toBe(true);
    }),
  );
  expect(parseThreadStat(line.slice(0, 60))).toBeUndefined();
});
