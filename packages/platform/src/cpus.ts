/** Online and offline CPUs, and the cores, clusters, dies and packages that they form. */
import type { CpuInfo } from './cpu-info.ts';
import type { CpuSet } from './cpu-set.ts';
import { ascending, MAX_CPUS } from './cpu-set.ts';
import type { RawGroup } from './partition.ts';
import { distinct, partition } from './partition.ts';
import type { Sysfs } from './sysfs.ts';

export const CPU_DIRECTORY = '/sys/devices/system/cpu';

export interface FoundCpus {
  readonly online: CpuSet;
  readonly offline: CpuSet;
}

/** `undefined` where /sys has no CPUs at all. */
export function findCpus(sysfs: Sysfs): FoundCpus | undefined {
  const directories = sysfs.numbered(CPU_DIRECTORY, 'cpu', MAX_CPUS);
  const list = sysfs.list(`${CPU_DIRECTORY}/online`);
  // An empty list cannot be true: someone is reading it.
  const onlineList = list !== undefined && list.length > 0 ? new Set(list) : undefined;
  const known = directories.length > 0 ? directories : [...(onlineList ?? [])];
  const online = known.filter(
    (cpu) => onlineList?.has(cpu) ?? sysfs.integer(`${CPU_DIRECTORY}/cpu${cpu}/online`) !== 0,
  );
  if (online.length === 0) return undefined;
  const present = new Set([...known, ...(sysfs.list(`${CPU_DIRECTORY}/present`) ?? [])]);
  for (const cpu of online) present.delete(cpu);

  const described = online.filter((cpu) => sysfs.exists(topologyOf(cpu)));
  if (described.length === 0) {
    sysfs.note(`no CPU has a topology directory in ${CPU_DIRECTORY}: cores and packages are not known`);
  } else if (described.length < online.length) {
    const lacking = online.length - described.length;
    sysfs.note(`${lacking} CPUs are online but have no topology directory: left out, as hwloc does`);
  }
  return {
    online: described.length === 0 ? online : described,
    offline: [...present].toSorted(ascending),
  };
}

export interface CpuLevels {
  readonly cores: readonly RawGroup[];
  readonly clusters: readonly RawGroup[];
  readonly dies: readonly RawGroup[];
  readonly packages: readonly RawGroup[];
}

export function readCpuLevels(sysfs: Sysfs, cpus: CpuSet, info: CpuInfo): CpuLevels {
  const os = (name: string) => (cpu: number) => sysfs.natural(`${topologyOf(cpu)}/${name}`) ?? null;
  const claim =
    (...names: string[]) =>
    (cpu: number) =>
      sysfs.set(topologyOf(cpu), ...names);

  const packages = partition(
    cpus,
    orPeers(
      claim('package_cpus', 'core_siblings', 'package_cpus_list', 'core_siblings_list'),
      peersById(sysfs, cpus, 'physical_package_id'),
    ),
    os('physical_package_id'),
  );
  const siblings = claim('core_cpus', 'thread_siblings', 'core_cpus_list', 'thread_siblings_list');
  const cores = partition(
    cpus,
    hasComputeUnits(sysfs, cpus, info, siblings)
      ? (cpu) => [cpu]
      : orPeers(siblings, peersById(sysfs, cpus, 'physical_package_id', 'core_id')),
    os('core_id'),
  );
  const dies = distinct(partition(cpus, claim('die_cpus', 'die_cpus_list'), os('die_id')), packages);
  const clusters = distinct(
    partition(cpus, claim('cluster_cpus', 'cluster_cpus_list'), os('cluster_id')),
    cores,
    dies,
    packages,
  );
  return { cores, clusters, dies, packages };
}

function topologyOf(cpu: number): string {
  return `${CPU_DIRECTORY}/cpu${cpu}/topology`;
}

type Claim = (cpu: number) => Iterable<number> | undefined;

function orPeers(claim: Claim, peers: Claim): Claim {
  return (cpu) => claim(cpu) ?? peers(cpu);
}

/** Where the sets are missing but the numbers are there: the CPUs with the same numbers. Number -1 is none. */
function peersById(sysfs: Sysfs, cpus: CpuSet, ...names: string[]): Claim {
  let groups: Map<string, number[]> | undefined;
  const key = (cpu: number): string | undefined => {
    const ids = names.map((name) => sysfs.natural(`${topologyOf(cpu)}/${name}`));
    return ids.at(-1) === undefined ? undefined : ids.map((id) => id ?? '').join(':');
  };
  return (cpu) => {
    const own = key(cpu);
    if (own === undefined) return undefined;
    groups ??= Map.groupBy(cpus, (other) => key(other) ?? '');
    return groups.get(own);
  };
}

/** AMD's modules: the siblings of a core have core numbers of their own. The first pair of siblings decides for the machine. */
function hasComputeUnits(sysfs: Sysfs, cpus: CpuSet, info: CpuInfo, siblings: Claim): boolean {
  if (!info.amdComputeUnits) return false;
  for (const cpu of cpus) {
    const other = [...(siblings(cpu) ?? [])].find((sibling) => sibling !== cpu);
    if (other === undefined) continue;
    return sysfs.integer(`${topologyOf(cpu)}/core_id`) !== sysfs.integer(`${topologyOf(other)}/core_id`);
  }
  return false;
}
