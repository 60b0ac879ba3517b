/** What the addon adds, tried on the calling thread and on a page of its own. */
import { affinity } from '../threads/affinity.ts';
import type { Answer } from '../answer.ts';
import { errnoName, refused } from '../answer.ts';
import type { Verdict } from './capability.ts';
import { available, unavailable, unprivileged } from './capability.ts';
import { alignedRange, memoryPolicy, pageBytes } from '../memory/memory.ts';
import { loadNative } from '../native.ts';
import type { PerfEventName } from '../perf/event-table.ts';
import { PerfEvents, type PerfReading } from '../perf/events.ts';
import { hasCapability, readResourceLimit } from '../limits/process-limits.ts';
import type { Sysfs } from '../machine/sysfs.ts';

export function nativeAddon(): Verdict {
  const { addon, reason } = loadNative();
  return addon === null ? unavailable(reason) : available(`${reason} is loaded`);
}

/** What the kernel grants is no use without a way to call it. */
export function throughAddon(verdict: Verdict): Verdict {
  const { addon, reason } = loadNative();
  if (addon !== null || verdict.status === 'unavailable') return verdict;
  return unavailable(`${verdict.reason}; using it takes the addon, and ${reason}`);
}

/**
 * Asks for no CPU at all, which the kernel turns down after it has looked whether the caller may ask. Setting the mask that is in force would
 * change something: Linux 6.2 keeps what was asked for, and a thread that asked gets none of the CPUs that its cpuset is given later.
 */
export function cpuAffinity(): Verdict {
  const mask = affinity();
  if (mask.status !== 'verified') return judge(mask, '');
  const { addon, reason } = loadNative();
  if (addon === null) return unavailable(`sched_setaffinity takes the addon, and ${reason}`);
  const none = new Uint8Array(8);
  const result = addon.setAffinity(0, none, 0, none.length);
  if (errnoName(-result) === 'EINVAL')
    return available(
      `sched_setaffinity of no CPU answered EINVAL, so it may be called; now ${mask.value.length} CPUs`,
    );
  return judge(refused('sched_setaffinity of no CPU', result, 'a filter forbids it'), '');
}

/** Reads the policy of a page. */
export function memoryPolicies(): Verdict {
  const page = pageBytes();
  const range = alignedRange(new SharedArrayBuffer(2 * page), { minimumBytes: page });
  if (range.status !== 'verified') return judge(range, '');
  return judge(memoryPolicy(range.value), 'get_mempolicy answered for a page of this process');
}

/** Reads a counter of the processor. */
export function hardwareCounters(): Verdict {
  const opened = PerfEvents.open({ events: ['cycles'] });
  if (opened.status !== 'verified') return judge(opened, '');
  // No `using`: Node 22 runs this file as it is in tests and workers, and does not know it.
  const { value, tier, reason } = readOnce(opened.value).cycles;
  const shown = `cycles of this thread: ${tier ?? 'no way to count'} (${reason})`;
  // A hypervisor may offer counters that stand still.
  return value === null || value === 0 ? unavailable(`${shown}, found ${value}`) : available(shown);
}

function readOnce<E extends PerfEventName>(events: PerfEvents<E>): PerfReading<E> {
  try {
    return events.read();
  } finally {
    events[Symbol.dispose]();
  }
}

/** What the files grant, a filter may still forbid. */
export function softwareEvents(verdict: Verdict): Verdict {
  if (verdict.status === 'unavailable' || loadNative().addon === null) return verdict;
  const opened = PerfEvents.open({ events: ['taskClock'] });
  if (opened.status !== 'verified') return judge(opened, '');
  const { tier, reason } = readOnce(opened.value).taskClock;
  return tier === 'software' ? verdict : unprivileged(`${verdict.reason}; tried, ${reason}`);
}

/** By capability and limit: trying it would change the thread for good where it is a one-way street. */
export function raisePriority(sysfs: Sysfs): Verdict {
  return judgeLimit(sysfs, 'Max nice priority', 'RLIMIT_NICE', 'nice values below the present one');
}

export function realtimeScheduling(sysfs: Sysfs): Verdict {
  return throughAddon(judgeLimit(sysfs, 'Max realtime priority', 'RLIMIT_RTPRIO', 'SCHED_FIFO and SCHED_RR'));
}

function judgeLimit(sysfs: Sysfs, name: string, limit: string, what: string): Verdict {
  if (hasCapability(sysfs, 'SYS_NICE')) return available(`CAP_SYS_NICE in /proc/self/status allows ${what}`);
  const { value, source, reason } = readResourceLimit(sysfs, name);
  if (value === null) return unavailable(reason ?? '');
  const shown = `${limit} in ${source} is ${value.soft}`;
  return value.soft === 0
    ? unprivileged(`${shown}; ${what} need CAP_SYS_NICE or a higher limit`)
    : available(`${shown}, which allows ${what} up to it`);
}

function judge(answer: Answer<unknown>, shown: string): Verdict {
  if (answer.status === 'verified') return available(shown);
  return answer.status === 'refused' ? unprivileged(answer.reason) : unavailable(answer.reason);
}
