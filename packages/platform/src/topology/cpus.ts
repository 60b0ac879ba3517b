/** Online and offline CPUs. */
import type { CpuInfo } from './cpu-info.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { ascending, MAX_CPUS } from '../machine/cpu-set.ts';
import type { Sysfs } from '../machine/sysfs.ts';

export const CPU_DIRECTORY = '/sys/devices/system/cpu';

export interface FoundCpus {
  readonly online: CpuSet;
  readonly offline: CpuSet;
}

/** `undefined` where neither /sys nor /proc/cpuinfo (of kernels before 2.6.16, mostly) has CPUs. */
export function findCpus(sysfs: Sysfs, cpuInfo: () => CpuInfo): FoundCpus | undefined {
  const directories = sysfs.numbered(CPU_DIRECTORY, 'cpu', MAX_CPUS);
  const list = sysfs.list(`${CPU_DIRECTORY}/online`);
  // An empty list cannot be true: someone is reading it.
  const onlineList = list !== undefined && list.length > 0 ? new Set(list) : undefined;
  const known = directories.length > 0 ? directories : [...(onlineList ?? [])];
  const online = known.filter(
    (cpu) => onlineList?.has(cpu) ?? sysfs.integer(`${CPU_DIRECTORY}/cpu${cpu}/online`) !== 0,
  );
  if (online.length === 0) return fromCpuInfo(sysfs, cpuInfo());
  const present = new Set([...known, ...(sysfs.list(`${CPU_DIRECTORY}/present`) ?? [])]);
  for (const cpu of online) present.delete(cpu);

  const described = online.filter((cpu) => sysfs.exists(`${CPU_DIRECTORY}/cpu${cpu}/topology`));
  if (described.length === 0) {
    sysfs.note(
      cpuInfo().coreIds.size + cpuInfo().packageIds.size > 0
        ? `no CPU has a topology directory in ${CPU_DIRECTORY}: cores and packages by /proc/cpuinfo`
        : `no CPU has a topology directory in ${CPU_DIRECTORY}: cores and packages are not known`,
    );
  } else if (described.length < online.length) {
    const lacking = online.length - described.length;
    sysfs.note(`${lacking} CPUs are online but have no topology directory: left out, as hwloc does`);
  }
  return {
    online: described.length === 0 ? online : described,
    offline: [...present].toSorted(ascending),
  };
}

function fromCpuInfo(sysfs: Sysfs, { processors }: CpuInfo): FoundCpus | undefined {
  if (processors.length === 0) return undefined;
  sysfs.note(`no CPUs in ${CPU_DIRECTORY}: those of /proc/cpuinfo`);
  return { online: processors, offline: [] };
}
