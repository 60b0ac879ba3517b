// What the kernel counts for the control group of this process, and what it may have: cgroup v2 and v1.
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { MemorySource } from './ports.ts';

export interface CgroupOptions {
  /** Where the hierarchies are mounted; `/sys/fs/cgroup` by default. */
  readonly cgroupRoot?: string;
  /** The file that names the group; `/proc/self/cgroup` by default. */
  readonly membershipPath?: string;
  /** Reads a file, undefined where there is none. */
  readonly readText?: (path: string) => string | undefined;
}

export interface CgroupMemory {
  readonly version: 1 | 2;
  /** Directory of the group. */
  readonly path: string;
  readonly currentBytes: number;
  /** Current less the page cache that is not in use: near what the kernel can not take back. Undefined where it is not told. */
  readonly workingSetBytes: number | undefined;
  /** The least limit of the group and those above it; undefined where none has one. */
  readonly limitBytes: number | undefined;
}

/** No memory, or no cgroup: why. */
export interface NoCgroupMemory {
  readonly missing: string;
}

/** v1 has no word for no limit: a multiple of the page size just below 2^63. No machine has that much. */
const NO_LIMIT_BYTES = 2 ** 60;

interface Files {
  readonly current: string;
  readonly limits: readonly string[];
  readonly inactive: string;
}

const FILES: Readonly<Record<1 | 2, Files>> = {
  // `high` throttles before `max` kills: both bound what the group can have.
  2: { current: 'memory.current', limits: ['memory.max', 'memory.high'], inactive: 'inactive_file' },
  1: { current: 'memory.usage_in_bytes', limits: ['memory.limit_in_bytes'], inactive: 'total_inactive_file' },
};

/** Reads the figures now, or says why there are none: no Linux, no controller, no permission. */
export function readCgroup(options: CgroupOptions = {}): CgroupMemory | NoCgroupMemory {
  const {
    cgroupRoot = '/sys/fs/cgroup',
    membershipPath = '/proc/self/cgroup',
    readText = readFile,
  } = options;
  const membership = readText(membershipPath);
  if (membership === undefined) return { missing: `${membershipPath} can not be read` };
  const group = groupOf(membership);
  if (group === undefined) return { missing: `${membershipPath} names no group with memory` };
  const { version, path } = group;
  const root = version === 2 ? cgroupRoot : posix.join(cgroupRoot, 'memory');
  const files = FILES[version];
  // In a container the path may be that of the host, of which only the group itself is mounted.
  for (const inside of [path, '/']) {
    const directory = posix.join(root, inside);
    const currentBytes = bytesOf(readText(posix.join(directory, files.current)));
    if (currentBytes === undefined) continue;
    const stat = readText(posix.join(directory, 'memory.stat'));
    const inactive = bytesOf(new RegExp(`^${files.inactive} (\\d+)$`, 'm').exec(stat ?? '')?.[1]);
    const limits = [...ancestors(inside)]
      .flatMap((above) => files.limits.map((file) => bytesOf(readText(posix.join(root, above, file)))))
      .filter((bytes) => bytes !== undefined && bytes < NO_LIMIT_BYTES) as number[];
    return {
      version,
      path: directory,
      currentBytes,
      workingSetBytes: inactive === undefined ? undefined : Math.max(0, currentBytes - inactive),
      limitBytes: limits.length === 0 ? undefined : Math.min(...limits),
    };
  }
  return { missing: `${posix.join(root, path, files.current)} can not be read` };
}

/** A source of the same: `cgroup.current`, `cgroup.workingSet`, `cgroup.limit`. It has no figures where there are none. */
export function cgroupMemory(options: CgroupOptions = {}): MemorySource {
  return {
    name: 'cgroup',
    read: () => {
      const found = readCgroup(options);
      if ('missing' in found) return {};
      return {
        current: found.currentBytes,
        ...(found.workingSetBytes !== undefined && { workingSet: found.workingSetBytes }),
        ...(found.limitBytes !== undefined && { limit: found.limitBytes }),
      };
    },
  };
}

/** Lines are `hierarchy:controllers:path`. Where memory is a controller of v1, v2 does not have it. */
function groupOf(membership: string): { version: 1 | 2; path: string } | undefined {
  const lines = membership.split('\n').map((line) => /^(\d+):([^:]*):(\/.*)$/.exec(line));
  const v1 = lines.find((line) => line?.[2]?.split(',').includes('memory'));
  if (v1) return { version: 1, path: v1[3] as string };
  const v2 = lines.find((line) => line?.[1] === '0' && line[2] === '');
  return v2 ? { version: 2, path: v2[3] as string } : undefined;
}

function* ancestors(path: string): Generator<string> {
  for (let at = posix.normalize(path); ; at = posix.dirname(at)) {
    yield at;
    if (at === '/' || at === '.') return;
  }
}

/** Undefined for what is no number: `max` is no limit. */
function bytesOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
