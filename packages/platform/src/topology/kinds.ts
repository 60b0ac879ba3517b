/** Cores of different speed in one machine: Intel's P, E and low-power cores, Arm's big.LITTLE. */
import type { CpuInfo } from './cpu-info.ts';
import { CPU_DIRECTORY } from './cpus.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import type { Sysfs } from '../machine/sysfs.ts';
import type { CoreKind } from './topology-data.ts';

/** Intel has a performance monitoring unit for each kind of core; the slowest first. */
const UNITS = [
  ['cpu_lowpower', 'low-power'],
  ['cpu_atom', 'efficiency'],
  ['cpu_core', 'performance'],
] as const;

/** Turbo lets the best cores of one kind run a little faster; hwloc draws the line at 10 % as well. */
const SAME_KIND_RATIO = 1.1;

type Found = Omit<CoreKind, 'index'>;

/** The slowest first. One kind that holds all where the cores do not differ. */
export function readKinds(sysfs: Sysfs, cpus: CpuSet, info: CpuInfo): CoreKind[] {
  const found =
    byUnit(sysfs, cpus) ??
    byValue(cpus, 'cpu_capacity', SAME_KIND_RATIO, (cpu) =>
      sysfs.natural(`${CPU_DIRECTORY}/cpu${cpu}/cpu_capacity`),
    ) ??
    (info.amdHomogeneous
      ? undefined
      : (byValue(cpus, 'base_frequency', 1, (cpu) => baseFrequency(sysfs, cpu)) ??
        byValue(cpus, 'max_frequency', SAME_KIND_RATIO, (cpu) => frequency(sysfs, cpu, 'cpuinfo_max_freq'))));
  return (found ?? [{ cpus, name: null, by: 'none', value: null }]).map((kind, index) => ({
    index,
    ...kind,
  }));
}

function byUnit(sysfs: Sysfs, cpus: CpuSet): Found[] | undefined {
  const online = new Set(cpus);
  const kinds: Found[] = [];
  for (const [unit, name] of UNITS) {
    const path = `/sys/devices/${unit}/cpus`;
    const own = (sysfs.list(path) ?? []).filter((cpu) => online.delete(cpu));
    if (own.length > 0) kinds.push({ cpus: own, name, by: 'pmu', value: null });
  }
  if (kinds.length === 0) return undefined;
  if (online.size === 0) return kinds;
  sysfs.note(`core kinds of /sys/devices/cpu_{core,atom,lowpower} ignored: ${online.size} CPUs are in none`);
  return undefined;
}

/** Groups by value; values within `ratio` of the lowest of a group are of that group. Needs a value for every CPU. */
function byValue(
  cpus: CpuSet,
  by: CoreKind['by'],
  ratio: number,
  valueOf: (cpu: number) => number | undefined,
): Found[] | undefined {
  const values = new Map<number, number[]>();
  for (const cpu of cpus) {
    const value = valueOf(cpu);
    if (!value) return undefined;
    const own = values.get(value);
    if (own === undefined) values.set(value, [cpu]);
    else own.push(cpu);
  }
  const kinds: { cpus: number[]; value: number }[] = [];
  for (const [value, own] of [...values].toSorted(([a], [b]) => a - b)) {
    const last = kinds.at(-1);
    if (last !== undefined && value <= last.value * ratio) last.cpus.push(...own);
    else kinds.push({ cpus: [...own], value });
  }
  if (kinds.length < 2) return undefined;
  return kinds.map((kind) => ({ ...kind, cpus: kind.cpus.toSorted((a, b) => a - b), name: null, by }));
}

function baseFrequency(sysfs: Sysfs, cpu: number): number | undefined {
  const khz = frequency(sysfs, cpu, 'base_frequency');
  const mhz =
    khz === undefined ? sysfs.natural(`${CPU_DIRECTORY}/cpu${cpu}/acpi_cppc/nominal_freq`) : undefined;
  return khz ?? (mhz ? mhz * 1000 : undefined);
}

function frequency(sysfs: Sysfs, cpu: number, name: string): number | undefined {
  return sysfs.natural(`${CPU_DIRECTORY}/cpu${cpu}/cpufreq/${name}`);
}
