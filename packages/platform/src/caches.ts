/** Caches of the CPUs, from `cpuN/cache/indexM`. */
import { CPU_DIRECTORY } from './cpus.ts';
import type { CpuSet } from './cpu-set.ts';
import type { RawGroup } from './partition.ts';
import { partition } from './partition.ts';
import type { Sysfs } from './sysfs.ts';
import type { CacheType } from './topology-data.ts';
import { MAX_CACHE_LEVEL } from './topology-data.ts';

/** Linux has at most a handful a CPU; the limit bounds a made-up tree. */
const MAX_CACHES_PER_CPU = 32;

export interface RawCache extends RawGroup {
  readonly level: number;
  readonly type: CacheType;
  readonly sizeBytes: number | null;
  readonly lineBytes: number | null;
  readonly ways: number | null;
}

export function readCaches(sysfs: Sysfs, cpus: CpuSet): RawCache[] {
  // Which directory of a CPU holds its L1d differs between CPUs of one machine, so by level and type first.
  const directories = new Map<string, { level: number; type: CacheType; byCpu: Map<number, string> }>();
  for (const cpu of cpus) {
    const parent = `${CPU_DIRECTORY}/cpu${cpu}/cache`;
    for (const index of sysfs.numbered(parent, 'index', MAX_CACHES_PER_CPU)) {
      const directory = `${parent}/index${index}`;
      const level = sysfs.natural(`${directory}/level`);
      if (level === undefined || level < 1 || level > MAX_CACHE_LEVEL) continue;
      const type = typeOf(sysfs.text(`${directory}/type`));
      const key = `${level}${type}`;
      const found = directories.get(key) ?? { level, type, byCpu: new Map<number, string>() };
      found.byCpu.set(cpu, directory);
      directories.set(key, found);
    }
  }

  const caches: RawCache[] = [];
  for (const { level, type, byCpu } of directories.values()) {
    const at = (cpu: number): string => byCpu.get(cpu) ?? '';
    const claim = (cpu: number): CpuSet | undefined => {
      const shared = sysfs.set(at(cpu), 'shared_cpu_map', 'shared_cpu_list');
      // Itanium gives an empty set for some caches; they belong to the core.
      if (shared?.length !== 0) return shared;
      return sysfs.set(`${CPU_DIRECTORY}/cpu${cpu}/topology`, 'core_cpus', 'thread_siblings') ?? [cpu];
    };
    for (const group of partition([...byCpu.keys()], claim, (cpu) => sysfs.natural(`${at(cpu)}/id`) ?? null))
      caches.push({ ...group, level, type, ...geometry(sysfs, at(group.cpus[0] ?? -1)) });
  }
  return caches;
}

function typeOf(text: string | undefined): CacheType {
  if (text === 'Data') return 'data';
  return text === 'Instruction' ? 'instruction' : 'unified';
}

function geometry(sysfs: Sysfs, directory: string): Pick<RawCache, 'sizeBytes' | 'lineBytes' | 'ways'> {
  const sizeBytes = parseSize(sysfs.text(`${directory}/size`));
  const lineBytes = sysfs.natural(`${directory}/coherency_line_size`) || null;
  const sets = sysfs.natural(`${directory}/number_of_sets`) ?? 0;
  const linesPerTag = sysfs.natural(`${directory}/physical_line_partition`) ?? 1;
  // Not `ways_of_associativity`: fully associative is 0 there on some machines and -1 on others. One set is mostly a made-up value.
  const ways =
    sets > 1 && lineBytes && linesPerTag && sizeBytes ? sizeBytes / lineBytes / linesPerTag / sets : null;
  return { sizeBytes, lineBytes, ways: ways === null ? null : Math.floor(ways) || null };
}

/** `48K` is 49152. */
function parseSize(text: string | undefined): number | null {
  const match = /^([0-9]{1,12})([KMG]?)$/i.exec(text ?? '');
  if (match === null) return null;
  const bytes = Number(match[1]) * 1024 ** ' KMG'.indexOf((match[2] || ' ').toUpperCase());
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}
