/** CPU quota and memory limit of this process: the least over its cgroup and all groups above it that are visible here. */
import type { CgroupPlace, Controller } from './cgroup.ts';
import { findCgroup } from './cgroup.ts';
import type { Bound, Reading } from './reading.ts';
import { known, unknown } from './reading.ts';
import type { Sysfs } from '../machine/sysfs.ts';

/** Version 1 writes "no limit" as the largest number of whole pages; nobody has an exbibyte. */
const V1_UNLIMITED_BYTES = 2 ** 60;

interface Least {
  readonly bound: Bound;
  readonly source: string;
  readonly directory: string;
}

/** In CPUs: 1.5 is three halves of one CPU's time. */
export function readCpuQuota(sysfs: Sysfs): Reading<Bound> {
  const place = findCgroup(sysfs, 'cpu');
  if (place === null) return missing('cpu');
  const least = leastBound(place, (directory) =>
    place.version === 2 ? quotaV2(sysfs, directory) : quotaV1(sysfs, directory),
  );
  return least === null
    ? nothingIn(place, place.version === 2 ? 'cpu.max' : 'cpu.cfs_quota_us')
    : reading(least, place);
}

export interface MemoryLimits {
  readonly limitBytes: Reading<Bound>;
  /** Of the group that sets the limit; without a limit, of the process's own group. */
  readonly usageBytes: Reading<number>;
}

export function readMemoryLimits(sysfs: Sysfs): MemoryLimits {
  const place = findCgroup(sysfs, 'memory');
  if (place === null) return { limitBytes: missing('memory'), usageBytes: missing('memory') };
  const [limit, usage] =
    place.version === 2
      ? ['memory.max', 'memory.current']
      : ['memory.limit_in_bytes', 'memory.usage_in_bytes'];
  const least = leastBound(place, (directory) =>
    place.version === 2
      ? bytes(sysfs, `${directory}/${limit}`)
      : lower(bytes(sysfs, `${directory}/${limit}`), hierarchicalLimit(sysfs, directory)),
  );
  const measured = least !== null && least.bound !== 'unlimited' ? [least.directory] : place.directories;
  return {
    limitBytes: least === null ? nothingIn(place, limit) : reading(least, place),
    usageBytes: firstOf(sysfs, measured, usage) ?? nothingIn(place, usage),
  };
}

/**
 * Version 1 tells in every group the least limit of all groups above, those that a container does not see among them. Only counted
 * where it is lower than the group's own.
 */
function hierarchicalLimit(sysfs: Sysfs, directory: string): [Bound, string] | undefined {
  const source = `${directory}/memory.stat`;
  const limit = /^hierarchical_memory_limit ([0-9]{1,20})$/m.exec(sysfs.text(source) ?? '')?.[1];
  return limit === undefined ? undefined : boundOf(limit, source);
}

function lower(a: [Bound, string] | undefined, b: [Bound, string] | undefined): [Bound, string] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return amount(b[0]) < amount(a[0]) ? b : a;
}

function quotaV2(sysfs: Sysfs, directory: string): [Bound, string] | undefined {
  const source = `${directory}/cpu.max`;
  const match = /^(max|[0-9]{1,15}) ([0-9]{1,15})$/.exec(sysfs.text(source) ?? '');
  return match === null
    ? undefined
    : quota(match[1] === 'max' ? -1 : Number(match[1]), Number(match[2]), source);
}

function quotaV1(sysfs: Sysfs, directory: string): [Bound, string] | undefined {
  const source = `${directory}/cpu.cfs_quota_us`;
  return quota(sysfs.integer(source), sysfs.integer(`${directory}/cpu.cfs_period_us`), source);
}

function quota(
  microseconds: number | undefined,
  period: number | undefined,
  source: string,
): [Bound, string] | undefined {
  if (microseconds === undefined || period === undefined || period <= 0) return undefined;
  return microseconds <= 0 ? ['unlimited', source] : [microseconds / period, source];
}

function bytes(sysfs: Sysfs, source: string): [Bound, string] | undefined {
  const text = sysfs.text(source);
  if (text === 'max') return ['unlimited', source];
  return text === undefined || !/^[0-9]{1,20}$/.test(text) ? undefined : boundOf(text, source);
}

function boundOf(digits: string, source: string): [Bound, string] {
  return Number(digits) >= V1_UNLIMITED_BYTES ? ['unlimited', source] : [Number(digits), source];
}

/** Own group first, so that of equal limits the nearest is named. `null` where no group has the file. */
function leastBound(
  place: CgroupPlace,
  read: (directory: string) => [Bound, string] | undefined,
): Least | null {
  let least: Least | null = null;
  for (const directory of place.directories) {
    const found = read(directory);
    if (found === undefined) continue;
    const [bound, source] = found;
    if (least === null || amount(bound) < amount(least.bound)) least = { bound, source, directory };
  }
  return least;
}

function amount(bound: Bound): number {
  return bound === 'unlimited' ? Infinity : bound;
}

function firstOf(sysfs: Sysfs, directories: readonly string[], name: string): Reading<number> | undefined {
  for (const directory of directories) {
    const value = sysfs.natural(`${directory}/${name}`);
    if (value !== undefined) return known(value, `${directory}/${name}`);
  }
  return undefined;
}

function reading(least: Least, place: CgroupPlace): Reading<Bound> {
  const groups = place.directories.length;
  return known(
    least.bound,
    least.source,
    groups === 1 ? null : `least of ${groups} groups from ${place.directories[0]} upwards`,
  );
}

function missing<T>(controller: Controller): Reading<T> {
  return unknown(
    `no ${controller} cgroup: none mounted according to /proc/self/mountinfo and /proc/mounts, none in /sys/fs/cgroup`,
  );
}

function nothingIn<T>(place: CgroupPlace, file: string): Reading<T> {
  const groups =
    place.directories.length === 1 ? '' : ` nor in the ${place.directories.length - 1} groups above`;
  return unknown(`no ${file} in ${place.directories[0]}${groups} (cgroup version ${place.version})`);
}
