/** How much of the machine this process may use. */
import os from 'node:os';
import type { MemoryLimits } from './cgroup-limits.ts';
import { readCpuQuota, readMemoryLimits } from './cgroup-limits.ts';
import { readCpuInfo } from '../topology/cpu-info.ts';
import { findCpus } from '../topology/cpus.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { readCpuset } from './cpuset.ts';
import type { FileSystem } from '../machine/file-system.ts';
import { checkFileSystem, nodeFileSystem } from '../machine/file-system.ts';
import type { Pressure } from './pressure.ts';
import { readPressure } from './pressure.ts';
import type { ResourceLimit } from './process-limits.ts';
import { readAllowedList, readResourceLimit } from './process-limits.ts';
import type { Bound, Reading } from './reading.ts';
import { known, unknown } from './reading.ts';
import { Sysfs } from '../machine/sysfs.ts';

/** Plain data. Every value says where it came from. */
export interface Limits {
  /** In CPUs. The least over the cgroup and all groups above it. */
  readonly cpuQuota: Reading<Bound>;
  /** CPUs of the cpuset of the cgroup. */
  readonly cpuset: Reading<CpuSet>;
  /** NUMA nodes of the cpuset. */
  readonly memoryNodes: Reading<CpuSet>;
  /** CPUs on which the main thread may run (its affinity mask). */
  readonly affinity: Reading<CpuSet>;
  /** Threads worth running: CPUs allowed by all of these, at most the whole CPUs of the quota, at least 1. */
  readonly availableParallelism: Reading<number>;
  readonly memoryLimitBytes: MemoryLimits['limitBytes'];
  readonly memoryUsageBytes: MemoryLimits['usageBytes'];
  /** RLIMIT_MEMLOCK, bytes. */
  readonly lockedMemoryBytes: Reading<ResourceLimit>;
  /** RLIMIT_NOFILE. */
  readonly openFiles: Reading<ResourceLimit>;
  readonly pressure: {
    readonly cpu: Reading<Pressure>;
    readonly memory: Reading<Pressure>;
    readonly io: Reading<Pressure>;
  };
}

/**
 * Reads the limits in force now; they may change at any time. Throws only for a wrong `fs`: what cannot be read is `null` with a reason.
 * @param fs default: this machine. A machine without /proc then answers `availableParallelism` by `node:os`.
 */
export function limits(fs?: FileSystem): Limits {
  checkFileSystem(fs);
  const sysfs = new Sysfs(fs ?? nodeFileSystem());
  const memory = readMemoryLimits(sysfs);
  const cpuQuota = readCpuQuota(sysfs);
  const cpuset = cpusetReading(sysfs, 'cpus');
  const affinity = readAllowedList(sysfs, 'Cpus_allowed_list');
  return {
    cpuQuota,
    cpuset,
    memoryNodes: cpusetReading(sysfs, 'mems'),
    affinity,
    availableParallelism: parallelism(sysfs, { cpuQuota, cpuset, affinity }, fs === undefined),
    memoryLimitBytes: memory.limitBytes,
    memoryUsageBytes: memory.usageBytes,
    lockedMemoryBytes: readResourceLimit(sysfs, 'Max locked memory'),
    openFiles: readResourceLimit(sysfs, 'Max open files'),
    pressure: {
      cpu: readPressure(sysfs, 'cpu'),
      memory: readPressure(sysfs, 'memory'),
      io: readPressure(sysfs, 'io'),
    },
  };
}

function cpusetReading(sysfs: Sysfs, what: 'cpus' | 'mems'): Reading<CpuSet> {
  const cpuset = readCpuset(sysfs, what);
  return cpuset === null
    ? unknown(`no cpuset cgroup with ${what} is visible`)
    : known(cpuset.set, cpuset.source);
}

/**
 * Rounds the quota down, as libuv does: with a quota of 1.5, two busy threads would be stopped for part of every period.
 * Named as source: the tightest one.
 */
function parallelism(
  sysfs: Sysfs,
  { cpuQuota, cpuset, affinity }: Pick<Limits, 'cpuQuota' | 'cpuset' | 'affinity'>,
  isThisMachine: boolean,
): Reading<number> {
  const online = findCpus(sysfs, () => readCpuInfo(sysfs))?.online;
  const sets = [
    affinity,
    cpuset,
    online === undefined ? unknown<CpuSet>('') : known<CpuSet>(online, '/sys/devices/system/cpu'),
  ].filter((reading) => reading.value !== null);
  if (sets.length === 0) {
    if (isThisMachine)
      return known(os.availableParallelism(), 'os.availableParallelism()', 'no /proc and no /sys here');
    return unknown('neither affinity nor cpuset nor online CPUs are known');
  }
  const [first = [], ...rest] = sets.map(({ value }) => value ?? []);
  const others = rest.map((set) => new Set(set));
  const common = first.filter((cpu) => others.every((set) => set.has(cpu))).length;
  // The tightest set names the source; sets that have nothing in common cannot all be right, so the affinity mask decides.
  const tightest = sets.toSorted((a, b) => (a.value?.length ?? 0) - (b.value?.length ?? 0))[0];
  const count = common || first.length;
  const whole = typeof cpuQuota.value === 'number' ? Math.max(1, Math.floor(cpuQuota.value)) : Infinity;
  const byQuota = cpuQuota.value === 'unlimited' ? 'no quota' : `quota ${cpuQuota.value} CPUs`;
  if (whole < count) return known(whole, cpuQuota.source ?? '', `${byQuota}, ${count} CPUs allowed`);
  const reason = `${count} CPUs allowed, ${cpuQuota.value === null ? 'no quota known' : byQuota}`;
  return known(Math.max(1, count), tightest?.source ?? '', reason);
}
