import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import type { Answer, SchedulingPolicy, SchedulingPolicyRequest } from '../src/index.ts';
import { nice, PlatformOptionError, schedulingPolicy, setNice, setSchedulingPolicy } from '../src/index.ts';
import { inChild } from './child.ts';
import { isRoot, linux, mayNice } from './machine-facts.ts';
import { native } from './native-mode.ts';
import { host, task, withAddon } from './thread-hosts.ts';
import { ThreadWorker } from './thread-worker.ts';

// Workers and processes start slowly on a machine that is busy with others.
vi.setConfig({ testTimeout: 30_000 });

/** What /proc says, read by nothing of ours. */
function statField(tid: number, field: number): string | undefined {
  const text = readFileSync(`/proc/self/task/${tid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3];
}

/** util-linux, and a user that may raise limits. */
const canRaiseLimits = isRoot && mayNice && spawnSync('prlimit', ['--nice=20', 'true']).status === 0;

describe.runIf(linux)('nice on this machine', () => {
  test('is set from outside, seen by the thread itself and in /proc, and moves no other thread', async () => {
    await using worker = await ThreadWorker.start();
    const before = nice();
    expect(setNice(7, worker.tid)).toEqual({ status: 'verified', value: 7 });
    expect(nice(worker.tid)).toEqual({ status: 'verified', value: 7 });
    expect(await worker.ask('nice')).toEqual({ status: 'verified', value: 7 });
    expect(statField(worker.tid, 19)).toBe('7');
    expect(nice()).toEqual(before);
  });

  test('reaches both ends for who may, and tells -1 from an error', async () => {
    await using worker = await ThreadWorker.start();
    expect(setNice(19, worker.tid)).toEqual({ status: 'verified', value: 19 });
    for (const value of [-1, -20]) {
      const answer = setNice(value, worker.tid);
      if (mayNice) expect(answer).toEqual({ status: 'verified', value });
      else expect(answer).toMatchObject({ status: 'refused' });
    }
  });

  test('only goes up without privilege, and the reason says what would help', async () => {
    const [up, down, same] = await inChild<Answer<number>[]>(
      `const up = platform.setNice(5);
       return [up, platform.setNice(2), platform.nice()]`,
      { unprivileged: true, ...(canRaiseLimits && { wrapper: ['prlimit', '--nice=0'] }) },
    );
    expect(up).toEqual({ status: 'verified', value: 5 });
    if (!canRaiseLimits && !isRoot && mayNice) return;
    expect(down).toMatchObject({ status: 'refused', errno: 'EACCES' });
    expect(down).toMatchObject({
      reason: expect.stringMatching(
        /lowering nice from 5 to 2 takes CAP_SYS_NICE, or RLIMIT_NICE of at least 18 \(found \d+\); without them nice only goes up/,
      ),
    });
    expect(same).toEqual({ status: 'verified', value: 5 });
  });

  test.runIf(canRaiseLimits)('goes down as far as RLIMIT_NICE grants', async () => {
    const [within, beyond] = await inChild<Answer<number>[]>(
      'platform.setNice(9); return [platform.setNice(-5), platform.setNice(-6)]',
      { unprivileged: true, wrapper: ['prlimit', '--nice=25'] },
    );
    expect(within).toEqual({ status: 'verified', value: -5 });
    expect(beyond).toMatchObject({
      errno: 'EACCES',
      reason: expect.stringContaining('at least 26 (found 25)'),
    });
  });

  test('of a thread that ended, and of another process, is refused', async () => {
    const worker = await ThreadWorker.start();
    await worker[Symbol.asyncDispose]();
    for (const tid of [worker.tid, process.ppid]) {
      expect(nice(tid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
      expect(setNice(1, tid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    }
  });
});

describe.runIf(linux)('policies on this machine', () => {
  const requests: SchedulingPolicyRequest[] = [
    { policy: 'batch' },
    { policy: 'idle' },
    { policy: 'rr', priority: 7 },
    { policy: 'fifo', priority: 1 },
    { policy: 'other' },
  ];

  test('each is set from outside, seen by the thread itself and in /proc, and moves no other thread', async () => {
    await using worker = await ThreadWorker.start();
    const numbers = { other: 0, fifo: 1, rr: 2, batch: 3, idle: 5, deadline: 6 };
    const mine = schedulingPolicy();
    for (const request of requests) {
      const { policy, priority = 0 } = request;
      const answer = setSchedulingPolicy(request, worker.tid);
      if (!native) {
        expect(answer).toMatchObject({
          status: 'unsupported',
          reason: expect.stringContaining('setNice(19)'),
        });
        continue;
      }
      // Without the capability, and where a cgroup has no real-time budget, these are refused even to root.
      if ((priority > 0 || !mayNice) && answer.status === 'refused') {
        expect(answer).toMatchObject({ errno: 'EPERM', reason: expect.stringContaining('CAP_SYS_NICE') });
        continue;
      }
      const value = { policy, priority };
      expect(answer).toEqual({ status: 'verified', value });
      expect(schedulingPolicy(worker.tid)).toEqual({ status: 'verified', value });
      expect(await worker.ask<SchedulingPolicy>('schedulingPolicy')).toEqual({ status: 'verified', value });
      expect([statField(worker.tid, 41), statField(worker.tid, 40)]).toEqual([
        `${numbers[policy]}`,
        `${priority}`,
      ]);
      expect(schedulingPolicy()).toEqual(mine);
    }
  });

  test('real-time takes a privilege, batch and idle none, and without one idle is for good', async () => {
    const [rr, batch, idle, back] = await inChild<Answer<SchedulingPolicy>[]>(
      `return ['rr', 'batch', 'idle', 'other'].map((policy) =>
         platform.setSchedulingPolicy(policy === 'rr' ? { policy, priority: 3 } : { policy }))`,
      { unprivileged: true, ...(canRaiseLimits && { wrapper: ['prlimit', '--nice=0', '--rtprio=0'] }) },
    );
    if (!native) {
      for (const answer of [rr, batch, idle, back]) expect(answer).toMatchObject({ status: 'unsupported' });
      return;
    }
    expect(batch).toEqual({ status: 'verified', value: { policy: 'batch', priority: 0 } });
    expect(idle).toEqual({ status: 'verified', value: { policy: 'idle', priority: 0 } });
    if (!isRoot && mayNice) return;
    expect(rr).toMatchObject({
      status: 'refused',
      errno: 'EPERM',
      reason: expect.stringMatching(/CAP_SYS_NICE or RLIMIT_RTPRIO of at least 3 \(found 0\)/),
    });
    expect(back).toMatchObject({
      status: 'refused',
      errno: 'EPERM',
      reason: expect.stringMatching(
        /RLIMIT_NICE of at least 20 - nice \(found \d+\); without them idle is for good/,
      ),
    });
  });

  test.runIf(canRaiseLimits && native)('leaves idle again within RLIMIT_NICE', async () => {
    const answer = await inChild<Answer<SchedulingPolicy>>(
      "platform.setSchedulingPolicy({ policy: 'idle' }); return platform.setSchedulingPolicy({ policy: 'other' })",
      { unprivileged: true, wrapper: ['prlimit', '--nice=20'] },
    );
    expect(answer).toEqual({ status: 'verified', value: { policy: 'other', priority: 0 } });
  });

  test('deadline is not offered, with the reason', () => {
    expect(setSchedulingPolicy({ policy: 'deadline' })).toMatchObject({
      status: 'unsupported',
      reason: expect.stringContaining('takes a runtime, a deadline and a period'),
    });
  });

  test('of a thread that ended, and of another process, are refused', async () => {
    const worker = await ThreadWorker.start();
    await worker[Symbol.asyncDispose]();
    for (const tid of [worker.tid, process.ppid]) {
      expect(schedulingPolicy(tid)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
      expect(setSchedulingPolicy({ policy: 'idle' }, tid)).toMatchObject({
        status: 'refused',
        errno: 'ESRCH',
      });
    }
  });
});

test('bad input throws and changes nothing', () => {
  const before = [nice(), schedulingPolicy()];
  for (const bad of [20, -21, 1.5, Number.NaN, '3' as unknown as number, undefined as unknown as number])
    expect(() => setNice(bad)).toThrow(PlatformOptionError);
  const requests: unknown[] = [
    { policy: 'realtime' },
    { policy: 'ext' },
    { policy: 'rr' },
    { policy: 'fifo', priority: 0 },
    { policy: 'fifo', priority: 100 },
    { policy: 'rr', priority: 1.5 },
    { policy: 'idle', priority: 1 },
    { policy: 'idle', nice: 3 },
    {},
    undefined,
    null,
  ];
  for (const bad of requests)
    expect(() => setSchedulingPolicy(bad as SchedulingPolicyRequest)).toThrow(PlatformOptionError);
  expect(() => setNice(1, 0)).toThrow('option tid');
  expect([nice(), schedulingPolicy()]).toEqual(before);
});

describe('other kernels', () => {
  test('that say yes and do otherwise are caught by reading back', () => {
    const deaf = withAddon({
      priority: () => 20,
      setNice: () => 0,
      scheduler: () => 0,
      schedulerPriority: () => 0,
      setScheduler: () => 0,
    });
    expect(setNice(3, undefined, deaf)).toEqual({
      status: 'refused',
      errno: null,
      reason: 'setpriority(the calling thread, 3) succeeded, but the thread has 0',
    });
    expect(setSchedulingPolicy({ policy: 'rr', priority: 2 }, 9, deaf)).toEqual({
      status: 'refused',
      errno: null,
      reason: 'sched_setscheduler(thread 9, rr, 2) succeeded, but the thread has other at 0',
    });
  });

  test('that refuse what takes no privilege are not said to lack one', () => {
    const filter = {
      priority: () => 15,
      setNice: () => -1,
      setScheduler: () => -1,
      schedulerPriority: () => 0,
    };
    const reason = (answer: Answer<unknown>): string => ('reason' in answer ? answer.reason : '');
    const other = withAddon({ ...filter, scheduler: () => 0 });
    expect(reason(setNice(7, undefined, other))).toMatch(/answered EPERM: a seccomp filter/);
    expect(reason(setNice(4, undefined, other))).toContain('lowering nice from 5 to 4');
    expect(reason(setSchedulingPolicy({ policy: 'batch' }, undefined, other))).toMatch(
      /leaving other takes no privilege: a seccomp filter/,
    );
    const idle = withAddon({ ...filter, scheduler: () => 0x40_00_00_05 });
    expect(reason(setSchedulingPolicy({ policy: 'other' }, undefined, idle))).toContain('idle is for good');
  });

  test('keep the flag that gives children the usual policy, which takes privilege to clear', () => {
    const set: number[] = [];
    const flagged = withAddon({
      scheduler: () => set.at(-1) ?? 0x40_00_00_00,
      schedulerPriority: () => 0,
      setScheduler: (_, policy) => {
        set.push(policy);
        return 0;
      },
    });
    expect(setSchedulingPolicy({ policy: 'batch' }, undefined, flagged)).toEqual({
      status: 'verified',
      value: { policy: 'batch', priority: 0 },
    });
    expect(set).toEqual([0x40_00_00_03]);
  });

  test('have policies that are read and not set, or that nobody knows yet', () => {
    const named = [6, 7, 42].map((number) =>
      schedulingPolicy(undefined, withAddon({ scheduler: () => number, schedulerPriority: () => 0 })),
    );
    expect(named).toMatchObject([
      { value: { policy: 'deadline' } },
      { value: { policy: 'ext' } },
      { value: { policy: 'unknown' } },
    ]);
  });

  test('may lose the thread on the way', () => {
    const lost = withAddon({
      priority: () => -3,
      scheduler: () => 0,
      setScheduler: () => -3,
      setNice: () => 0,
    });
    expect(setNice(1, 9, lost)).toMatchObject({ errno: 'ESRCH' });
    expect(setSchedulingPolicy({ policy: 'idle' }, 9, lost)).toMatchObject({ errno: 'ESRCH' });
  });

  test('Linux without the addon reads the policy from /proc, and nice goes by node:os', () => {
    const files = { ...task('self', { policy: 5 }), ...task(12, { policy: 2, priority: 9 }) };
    let value = 4;
    const bare = host('linux', files, {
      priority: () => 20 - value,
      setNice: (_, wanted) => {
        if (wanted < value) return -13;
        value = wanted;
        return 0;
      },
    });
    expect(schedulingPolicy(undefined, bare)).toMatchObject({ value: { policy: 'idle', priority: 0 } });
    expect(schedulingPolicy(12, bare)).toMatchObject({ value: { policy: 'rr', priority: 9 } });
    expect(setNice(6, 12, bare)).toEqual({ status: 'verified', value: 6 });
    expect(setNice(5, 12, bare)).toMatchObject({
      errno: 'EACCES',
      reason: expect.stringContaining('lowering nice from 6 to 5'),
    });
    expect(setSchedulingPolicy({ policy: 'idle' }, 12, bare)).toMatchObject({ status: 'unsupported' });
    expect(schedulingPolicy(undefined, host('linux'))).toMatchObject({ status: 'unsupported' });
  });

  test.each(['darwin', 'win32'])(
    '%s has niceness of processes only, which is not what was asked',
    (platform) => {
      const other = host(platform, {}, { priority: () => 20, setNice: () => 0 });
      for (const answer of [
        nice(undefined, other),
        nice(5, other),
        setNice(3, undefined, other),
        schedulingPolicy(undefined, other),
        setSchedulingPolicy({ policy: 'idle' }, undefined, other),
      ])
        expect(answer).toMatchObject({ status: 'unsupported', reason: expect.stringContaining(platform) });
    },
  );
});
