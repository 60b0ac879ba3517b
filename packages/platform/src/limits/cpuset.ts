/** What a cpuset allows: the CPUs and nodes that the process may be given. */
import type { CgroupPlace } from './cgroup.ts';
import { findCgroup } from './cgroup.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import type { Sysfs } from '../machine/sysfs.ts';

export interface AllowedSet {
  readonly set: CpuSet;
  /** The file it was read from. */
  readonly source: string;
}

/** `null` where no cpuset governs the process. An empty set means "as the parent", so the parent is asked. */
export function readCpuset(sysfs: Sysfs, what: 'cpus' | 'mems'): AllowedSet | null {
  const place = findCgroup(sysfs, 'cpuset');
  if (place === null) return null;
  for (const directory of place.directories) {
    for (const name of names(place, what)) {
      const source = `${directory}/${name}`;
      const set = sysfs.list(source);
      if (set !== undefined && set.length > 0) return { set, source };
    }
  }
  return null;
}

function names({ version, prefix }: CgroupPlace, what: 'cpus' | 'mems'): string[] {
  return version === 2 ? [`cpuset.${what}.effective`] : [`${prefix}effective_${what}`, `${prefix}${what}`];
}
