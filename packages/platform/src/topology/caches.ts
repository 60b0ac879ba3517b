/** Caches of the CPUs, from `cpuN/cache/indexM`. */
import { CPU_DIRECTORY } from './cpus.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import type { RawGroup } from './levels.ts';
import type { Sysfs } from '../machine/sysfs.ts';
import type { CacheType } from './topology-data.ts';
import { MAX_CACHE_LEVEL, MAX_INSTRUCTION_LEVEL } from './topology-data.ts';

/** `index0` to `index9`: Linux has at most a handful a CPU, and hwloc asks for no more. */
const MAX_CACHES_PER_CPU = 10;

export interface RawCache extends RawGroup {
  readonly level: number;
  readonly type: CacheType;
  readonly sizeBytes: number | null;
  readonly lineBytes: number | null;
  readonly ways: number | null;
}

/** The caches that this CPU speaks for: those of which it is the lowest. A cache without a set, or without a level, is none. */
export function readCaches(
  sysfs: Sysfs,
  cpu: number,
  online: ReadonlySet<number>,
  coreOf: (cpu: number) => CpuSet | undefined,
): RawCache[] {
  const parent = `${CPU_DIRECTORY}/cpu${cpu}/cache`;
  return sysfs.numbered(parent, 'index', MAX_CACHES_PER_CPU).flatMap((index) => {
    const directory = `${parent}/index${index}`;
    const shared = sysfs.set(directory, 'shared_cpu_map', 'shared_cpu_list');
    // Itanium gives an empty set for some caches; they belong to the core.
    const claimed = shared?.length === 0 ? (coreOf(cpu) ?? []) : shared;
    if (claimed === undefined) return [];
    const cpus = claimed.every((other) => online.has(other))
      ? claimed
      : claimed.filter((other) => online.has(other));
    if (cpus[0] !== cpu) return [];
    const level = sysfs.natural(`${directory}/level`);
    const type = typeOf(sysfs.text(`${directory}/type`));
    const highest = type === 'instruction' ? MAX_INSTRUCTION_LEVEL : MAX_CACHE_LEVEL;
    if (level === undefined || level < 1 || level > highest) return [];
    return [
      { os: sysfs.natural(`${directory}/id`) ?? null, cpus, level, type, ...geometry(sysfs, directory) },
    ];
  });
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
