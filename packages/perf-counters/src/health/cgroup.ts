// The limits of this process's cgroup, versions 1 and 2: the least over its group and all groups above it that are visible here, since
// each of them can stop or kill it. @corelane/platform reads the same and more; this is what checks do without it.
import { readFileSync } from 'node:fs';
import type { Figure, MemoryFigures } from './ports.ts';

/** Contents of a file, undefined where it can not be read. */
export type ReadText = (path: string) => string | undefined;

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

interface Groups {
  readonly version: 1 | 2;
  /** The process's own first. Never empty. */
  readonly directories: readonly string[];
}

/** Version 1 writes "no limit" as the largest number of whole pages. */
const UNLIMITED_BYTES = 2 ** 60;

const FILES = {
  1: {
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    reclaimable: /^total_inactive_file (\d+)$/m,
  },
  2: { limit: 'memory.max', usage: 'memory.current', reclaimable: /^inactive_file (\d+)$/m },
} as const;

/**
 * Finds the group once, and again where its files have gone: a process is seldom moved, and finding it takes as long as reading it.
 * @returns what reads: the usage is that of the group which sets the limit, else of the own one
 */
export function cgroupMemory(read: ReadText): () => MemoryFigures {
  let groups: Groups | null = null;
  return () => {
    groups ??= findGroups(read, 'memory');
    if (groups === null) return nothing('no memory cgroup is mounted here');
    const figures = readMemory(read, groups);
    if (figures.memoryUsageBytes.value === null) groups = null;
    return figures;
  };
}

function readMemory(read: ReadText, groups: Groups): MemoryFigures {
  const files = FILES[groups.version];
  let least: { bytes: number; source: string; directory: string } | undefined;
  const offer = (bytes: number, source: string, directory: string): void => {
    if (least === undefined || bytes < least.bytes) least = { bytes, source, directory };
  };
  for (const directory of groups.directories) {
    const source = `${directory}/${files.limit}`;
    const found = read(source)?.trim();
    if (found === 'max') offer(Infinity, source, directory);
    else if (found !== undefined && /^\d{1,20}$/.test(found))
      offer(Number(found) >= UNLIMITED_BYTES ? Infinity : Number(found), source, directory);
    if (groups.version === 2) continue;
    // Of groups above that a container does not see.
    const stat = `${directory}/memory.stat`;
    const above = /^hierarchical_memory_limit (\d{1,20})$/m.exec(read(stat) ?? '')?.[1];
    if (above !== undefined && Number(above) < UNLIMITED_BYTES) offer(Number(above), stat, directory);
  }
  const [own] = groups.directories as [string];
  if (least === undefined) return nothing(`no ${files.limit} in ${own} or the groups above`);
  const { bytes, source } = least;
  const measured = bytes === Infinity ? own : least.directory;
  return {
    memoryLimitBytes: { value: bytes === Infinity ? 'unlimited' : bytes, source, reason: null },
    memoryUsageBytes: figure(read, `${measured}/${files.usage}`, /^(\d{1,20})\s*$/),
    memoryReclaimableBytes: figure(read, `${measured}/memory.stat`, files.reclaimable),
  };
}

/** In CPUs: 0.5 is half of one's time. Infinity where there is no quota, null where no group can be read. */
export function cgroupCpus(read: ReadText): number | null {
  const groups = findGroups(read, 'cpu');
  if (groups === null) return null;
  const quotas = groups.directories.flatMap((directory) => {
    const match =
      groups.version === 2
        ? /^(max|\d{1,15}) (\d{1,15})\s*$/.exec(read(`${directory}/cpu.max`) ?? '')
        : /^(-?\d{1,15}) (\d{1,15})$/.exec(
            `${read(`${directory}/cpu.cfs_quota_us`)?.trim()} ${read(`${directory}/cpu.cfs_period_us`)?.trim()}`,
          );
    if (match === null || Number(match[2]) <= 0) return [];
    const quota = Number(match[1]);
    return quota > 0 ? quota / Number(match[2]) : Infinity;
  });
  return quotas.length === 0 ? null : Math.min(...quotas);
}

function figure(read: ReadText, source: string, pattern: RegExp): Figure<number> {
  const found = pattern.exec(read(source) ?? '')?.[1];
  return found === undefined
    ? { value: null, source: null, reason: `${source} can not be read` }
    : { value: Number(found), source, reason: null };
}

function nothing(reason: string): MemoryFigures {
  const none = { value: null, source: null, reason };
  return { memoryLimitBytes: none, memoryUsageBytes: none, memoryReclaimableBytes: none };
}

interface Mount {
  readonly version: 1 | 2;
  readonly root: string;
  readonly point: string;
}

/** A controller is in one hierarchy: where version 1 has it, that is the one. */
function findGroups(read: ReadText, controller: 'cpu' | 'memory'): Groups | null {
  const mount = findMount(read('/proc/self/mountinfo') ?? '', controller);
  if (mount === null) return null;
  const { version, root, point } = mount;
  const lines = (read('/proc/self/cgroup') ?? '').split('\n');
  const path = lines.flatMap((line) => {
    const [, controllers = '', group = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    const isMeant = version === 2 ? controllers === '' : controllers.split(',').includes(controller);
    return isMeant && group !== '' ? [group] : [];
  })[0];
  const names = (path === undefined ? '' : below(root, path)).split('/').filter((name) => name !== '');
  const directories: string[] = [];
  for (let depth = names.length; depth >= 0; depth--)
    directories.push([point === '/' ? '' : point, ...names.slice(0, depth)].join('/'));
  // A container may have its own group at the mount point, under a path that only the host knows.
  const seen = directories.filter((each) => read(`${each}/cgroup.procs`) !== undefined);
  return { version, directories: seen.length > 0 ? seen : [point] };
}

function findMount(mountinfo: string, controller: string): Mount | null {
  let unified: Mount | null = null;
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = left.split(' ');
    const [type, , options = ''] = right.split(' ');
    const place = { root: unescape(root), point: unescape(point) };
    if (type === 'cgroup' && options.split(',').includes(controller)) return { version: 1, ...place };
    if (type === 'cgroup2') unified ??= { version: 2, ...place };
  }
  return unified;
}

/** The group as seen from a mount whose root is another group; outside of it, or of the namespace, only the mount point is seen. */
function below(root: string, path: string): string {
  const rest =
    root !== '/' && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path;
  return rest.split('/').includes('..') ? '' : rest;
}

/** Spaces are written `\040` there. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
