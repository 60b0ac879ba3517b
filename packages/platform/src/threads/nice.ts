/** How much of a CPU a thread gets beside others: from -20 (most) to 19 (least). */
import os from 'node:os';
import type { Answer } from '../answer.ts';
import { differs, verified } from '../answer.ts';
import { PlatformOptionError } from '../errors.ts';
import { readResourceLimit } from '../limits/process-limits.ts';
import { shown } from '../shown.ts';
import { Sysfs } from '../machine/sysfs.ts';
import type { ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';
import { checkThread, threadRefused, threadText } from './thread-id.ts';

const LEAST = -20;
const MOST = 19;
const { EACCES, EPERM } = os.constants.errno;

/** Without `tid`, of the calling thread. */
export function nice(tid?: number, host: ThreadHost = thisThreadHost()): Answer<number> {
  const call = `getpriority(${threadText(tid)})`;
  const problem = checkThread(host, call, tid);
  if (problem !== undefined) return problem;
  const result = readPriority(host, tid);
  return result < 0 ? threadRefused(call, result, tid) : verified(20 - result);
}

/**
 * Sets how nice a thread is to others. Without privilege this goes one way: it may be raised, and then not lowered again below what
 * RLIMIT_NICE grants, which is 20 - limit and by default nothing. Weighed among threads of the same group only: of the same cgroup, and of the same
 * session where the kernel groups by session (`kernel.sched_autogroup_enabled`).
 * @param value a whole number from -20 (gets most) to 19 (gets least)
 * @throws PlatformOptionError
 */
export function setNice(value: number, tid?: number, host: ThreadHost = thisThreadHost()): Answer<number> {
  if (!Number.isInteger(value) || value < LEAST || value > MOST)
    throw new PlatformOptionError('nice', `${shown(value)} is no whole number from ${LEAST} to ${MOST}`);
  const call = `setpriority(${threadText(tid)}, ${value})`;
  const problem = checkThread(host, call, tid);
  if (problem !== undefined) return problem;
  const { addon } = host.native;
  const before = readPriority(host, tid);
  const result = addon === null ? host.setNice(tid ?? 0, value) : addon.setNice(tid ?? 0, value);
  if (result < 0) {
    const denied = -result === EACCES || -result === EPERM;
    const from = before < 0 ? '' : ` from ${20 - before}`;
    const free = before > 0 && value >= 20 - before;
    const hint = free ? 'a seccomp filter or a security module forbids it' : needed(host, value, from);
    return threadRefused(call, result, tid, denied ? hint : undefined);
  }
  const found = readPriority(host, tid);
  if (found < 0) return threadRefused(`${call}, reading back,`, found, tid);
  if (20 - found === value) return verified(value);
  return differs(`${call} succeeded, but the thread has ${20 - found}`);
}

function needed(host: ThreadHost, value: number, from: string): string {
  return (
    `lowering nice${from} to ${value} takes CAP_SYS_NICE, or RLIMIT_NICE of at least ${20 - value} ` +
    `(found ${limitText(host, 'Max nice priority')}); without them nice only goes up`
  );
}

/** The soft limit, as text for a reason. */
export function limitText(host: ThreadHost, name: string): string {
  const limit = readResourceLimit(new Sysfs(host.fs), name);
  return limit.value === null ? `unknown: ${limit.reason}` : `${limit.value.soft}`;
}

/** 20 - nice, or -errno. */
function readPriority(host: ThreadHost, tid = 0): number {
  return host.native.addon === null ? host.priority(tid) : host.native.addon.priority(tid);
}
