/** All threads of this process. */
import type { Answer } from '../answer.ts';
import { unsupported, verified } from '../answer.ts';
import type { SchedulingPolicyName } from './scheduling.ts';
import { nameOf } from './scheduling.ts';
import { threadCpuTimeNs } from './thread-clock.ts';
import type { ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';
import { notLinux, threadDirectory } from './thread-id.ts';
import { readThreadName } from './thread-name.ts';
import { readThreadStat } from './thread-stat.ts';

const TASKS = '/proc/self/task';

/** One thread, as it was when it was looked at. */
export interface ThreadInfo {
  readonly tid: number;
  /** The kernel's, 15 bytes at most. */
  readonly name: string;
  /** A letter: R running or ready, S sleeping, D waiting for a device, T stopped, Z ended. */
  readonly state: string;
  /** The CPU that it runs on, or ran on last. */
  readonly cpu: number;
  readonly nice: number;
  readonly policy: SchedulingPolicyName;
  /** 1 to 99 for real-time policies, else 0. */
  readonly priority: number;
  /** See threadCpuTimeNs. `null` where it is not to be had. */
  readonly cpuTimeNs: number | null;
}

/**
 * Node's own threads (its pool, V8's helpers) and the workers, by ascending id; the main thread's id is the process's. Read one after the other:
 * threads that end meanwhile are left out. Three small files a thread.
 */
export function threads(host: ThreadHost = thisThreadHost()): Answer<readonly ThreadInfo[]> {
  if (host.native.addon === null) {
    const lacking = notLinux(host);
    if (lacking !== undefined) return lacking;
  }
  const names = host.fs.readDir(TASKS);
  if (names === undefined) return unsupported(`${TASKS} cannot be read`);
  const tids = names.filter((name) => /^[1-9][0-9]{0,9}$/.test(name)).map(Number);
  const found: ThreadInfo[] = [];
  for (const tid of tids.toSorted((a, b) => a - b)) {
    const stat = readThreadStat(host, tid);
    const name = readThreadName(host, `${threadDirectory(tid)}/comm`);
    if (stat === undefined || name === undefined) continue;
    const time = threadCpuTimeNs(tid, host);
    found.push({
      tid,
      name,
      state: stat.state,
      cpu: stat.cpu,
      nice: stat.nice,
      policy: nameOf(stat.policy),
      priority: stat.realtimePriority,
      cpuTimeNs: time.status === 'verified' ? time.value : null,
    });
  }
  return verified(found);
}
