/** Walks the CPUs as hwloc does and nests what they claim: cores, clusters, dies, packages, books, drawers, caches. */
import type { RawCache } from './caches.ts';
import { readCaches } from './caches.ts';
import type { CpuInfo } from './cpu-info.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { Hierarchy } from './hierarchy.ts';
import type { LevelName, RawGroup } from './levels.ts';
import { Levels } from './levels.ts';
import type { Sysfs } from '../machine/sysfs.ts';

export interface FoundGroups {
  readonly levels: Readonly<Record<LevelName, readonly RawGroup[]>>;
  readonly caches: readonly RawCache[];
  /** With all of these in it, so that nodes can find their place. */
  readonly hierarchy: Hierarchy;
}

export function readGroups(sysfs: Sysfs, cpus: CpuSet, info: CpuInfo): FoundGroups {
  const found: Record<LevelName, RawGroup[]> = {
    core: [],
    cluster: [],
    die: [],
    package: [],
    book: [],
    drawer: [],
  };
  const caches: RawCache[] = [];
  const hierarchy = new Hierarchy(cpus);
  const levels = new Levels(sysfs, cpus, info);
  const online = new Set(cpus);
  const accept = (kind: string, group: RawGroup): boolean => {
    const answer = hierarchy.insert(group.cpus, kind);
    if (answer === 'overlap')
      sysfs.note(
        `${kind} of ${group.cpus.length} CPUs from ${group.cpus[0]} ignored: overlaps with what was found earlier`,
      );
    return answer === 'new';
  };
  for (const cpu of cpus) {
    for (const { level, os, cpus: own } of levels.claims(cpu))
      if (accept(level, { os, cpus: own })) found[level].push({ os, cpus: own });
    for (const cache of readCaches(sysfs, cpu, online, (other) => levels.coreOf(other)))
      if (accept(`L${cache.level}${cache.type === 'instruction' ? 'i' : ''}`, cache)) caches.push(cache);
  }
  return { levels: found, caches, hierarchy };
}
