/** The scheduling policy of a thread (sched(7)). */
import os from 'node:os';
import type { Answer, Refused, Unsupported } from '../answer.ts';
import { differs, unsupported, verified } from '../answer.ts';
import { PlatformOptionError } from '../errors.ts';
import type { NativeThreads } from './native-threads.ts';
import { limitText } from './nice.ts';
import { checkOptions } from '../options.ts';
import { shown } from '../shown.ts';
import type { ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';
import { checkThread, threadRefused, threadText } from './thread-id.ts';
import { readThreadStat } from './thread-stat.ts';

/**
 * - `other`: the usual; shares by nice.
 * - `batch`: the same, taken for busy: it preempts others less.
 * - `idle`: runs where nothing else would; about 0.3 % beside a busy thread.
 * - `fifo`, `rr`: real-time: before all of the above for as long as it likes; `rr` takes turns among equals.
 * - `deadline`, `ext`, `unknown`: found, never set.
 */
export type SchedulingPolicyName =
  | 'other'
  | 'batch'
  | 'idle'
  | 'fifo'
  | 'rr'
  | 'deadline'
  | 'ext'
  | 'unknown';

export interface SchedulingPolicy {
  readonly policy: SchedulingPolicyName;
  /** 1 (least) to 99 for `fifo` and `rr`, 0 for all others. */
  readonly priority: number;
}

export interface SchedulingPolicyRequest {
  readonly policy: 'other' | 'batch' | 'idle' | 'fifo' | 'rr' | 'deadline';
  /** For `fifo` and `rr`, and then it must be there: 1 (least) to 99. */
  readonly priority?: number;
}

/** The kernel's numbers. */
const NUMBERS = { other: 0, fifo: 1, rr: 2, batch: 3, idle: 5, deadline: 6, ext: 7 } as const;
/** Given back to children of the thread: the usual policy. Kept as it is found, for clearing it takes privilege. */
const RESET_ON_FORK = 0x40_00_00_00;
const MAX_PRIORITY = 99;
const { EPERM } = os.constants.errno;

/** Without `tid`, of the calling thread. */
export function schedulingPolicy(
  tid?: number,
  host: ThreadHost = thisThreadHost(),
): Answer<SchedulingPolicy> {
  const call = `sched_getscheduler(${threadText(tid)})`;
  const problem = checkThread(host, call, tid);
  if (problem !== undefined) return problem;
  const { addon, reason } = host.native;
  if (addon !== null) return readPolicy(addon, call, tid);
  const stat = readThreadStat(host, tid);
  if (stat === undefined) return unsupported(`the policy cannot be read from /proc, and ${reason}`);
  return verified({ policy: nameOf(stat.policy), priority: stat.realtimePriority });
}

/**
 * Sets the policy of a thread. `fifo` and `rr` take RLIMIT_RTPRIO or CAP_SYS_NICE, and a thread that spins under them starves all else on its
 * CPU, up to the kernel's brake (`kernel.sched_rt_runtime_us`, 95 %). `idle` is free, but without privilege there is no way back unless
 * RLIMIT_NICE grants the nice that the thread has.
 *
 * `deadline` is never set and answers `unsupported`: it takes three times, and forbids pinning.
 * @throws PlatformOptionError for an unknown policy, or a priority that does not belong to it
 */
export function setSchedulingPolicy(
  request: SchedulingPolicyRequest,
  tid?: number,
  host: ThreadHost = thisThreadHost(),
): Answer<SchedulingPolicy> {
  const { policy, priority } = check(request);
  const call = `sched_setscheduler(${threadText(tid)}, ${policy}${priority > 0 ? `, ${priority}` : ''})`;
  const problem = checkThread(host, call, tid);
  if (problem !== undefined) return problem;
  if (policy === 'deadline')
    return unsupported(
      `${call} is not offered: a deadline takes a runtime, a deadline and a period (sched_setattr), ` +
        'and a thread that has one cannot be pinned to part of the CPUs; fifo and rr are offered',
    );
  const { addon, reason } = host.native;
  if (addon === null)
    return unsupported(
      `${call} needs the addon, and ${reason}; setNice(19) works without it and comes close to idle`,
    );
  const before = addon.scheduler(tid ?? 0);
  if (before < 0) return threadRefused(call, before, tid);
  const result = addon.setScheduler(tid ?? 0, NUMBERS[policy] | (before & RESET_ON_FORK), priority);
  if (result < 0)
    return denied(host, call, result, tid, { policy, priority }, nameOf(before & ~RESET_ON_FORK));
  const found = readPolicy(addon, `${call}, reading back,`, tid);
  if (found.status !== 'verified') return found;
  const { value } = found;
  if (value.policy === policy && value.priority === priority) return found;
  return differs(`${call} succeeded, but the thread has ${value.policy} at ${value.priority}`);
}

function readPolicy(addon: NativeThreads, call: string, tid: number | undefined): Answer<SchedulingPolicy> {
  const number = addon.scheduler(tid ?? 0);
  if (number < 0) return threadRefused(call, number, tid);
  const priority = addon.schedulerPriority(tid ?? 0);
  if (priority < 0) return threadRefused(call, priority, tid);
  return verified({ policy: nameOf(number & ~RESET_ON_FORK), priority });
}

export function nameOf(number: number): SchedulingPolicyName {
  for (const [name, value] of Object.entries(NUMBERS))
    if (value === number) return name as keyof typeof NUMBERS;
  return 'unknown';
}

function denied(
  host: ThreadHost,
  call: string,
  result: number,
  tid: number | undefined,
  { policy, priority }: Required<SchedulingPolicyRequest>,
  before: SchedulingPolicyName,
): Refused | Unsupported {
  if (-result !== EPERM) return threadRefused(call, result, tid);
  const realtime = policy === 'fifo' || policy === 'rr';
  const hint = realtime
    ? `it takes CAP_SYS_NICE or RLIMIT_RTPRIO of at least ${priority} (found ${limitText(host, 'Max realtime priority')}), ` +
      'and a cgroup with real-time run time where the kernel budgets it by group (cpu.rt_runtime_us)'
    : before === 'idle'
      ? `leaving idle takes CAP_SYS_NICE or RLIMIT_NICE of at least 20 - nice (found ${limitText(host, 'Max nice priority')}); ` +
        'without them idle is for good'
      : `leaving ${before} takes no privilege: a seccomp filter or a security module forbids it`;
  return threadRefused(call, result, tid, hint);
}

function check(request: SchedulingPolicyRequest): Required<SchedulingPolicyRequest> {
  checkOptions('setSchedulingPolicy', request, ['policy', 'priority']);
  const { policy, priority } = request;
  const settable = ['other', 'batch', 'idle', 'fifo', 'rr', 'deadline'];
  if (!settable.includes(policy))
    throw new PlatformOptionError('policy', `${shown(policy)} is none of ${settable.join(', ')}`);
  if (policy !== 'fifo' && policy !== 'rr') {
    if (priority === undefined || priority === 0) return { policy, priority: 0 };
    throw new PlatformOptionError(
      'priority',
      `${shown(priority)} with policy ${policy}, which has none; only fifo and rr do`,
    );
  }
  if (priority === undefined || !Number.isInteger(priority) || priority < 1 || priority > MAX_PRIORITY)
    throw new PlatformOptionError(
      'priority',
      `${shown(priority)} is no whole number from 1 to ${MAX_PRIORITY}`,
    );
  return { policy, priority };
}
