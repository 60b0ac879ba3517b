/** The CPUs on which a thread may run. */
import os from 'node:os';
import type { Answer } from '../answer.ts';
import { differs, unsupported, verified } from '../answer.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { formatCpuList, MAX_CPUS, parseCpuList } from '../machine/cpu-set.ts';
import { PlatformError, PlatformOptionError } from '../errors.ts';
import type { NativeThreads } from './native-threads.ts';
import type { ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';
import { checkThread, threadDirectory, threadRefused, threadText } from './thread-id.ts';

/** 1024 CPUs, as libc has it: enough for most. A kernel built for more answers EINVAL to that. */
const FIRST_MASK_BYTES = 128;
const LAST_MASK_BYTES = MAX_CPUS / 8;
const WORD_BYTES = 8;
const EINVAL = -os.constants.errno.EINVAL;

/** The CPUs on which a thread may run, of those that are online. Without `tid`, the calling thread. */
export function affinity(tid?: number, host: ThreadHost = thisThreadHost()): Answer<CpuSet> {
  const call = `sched_getaffinity(${threadText(tid)})`;
  const problem = checkThread(host, call, tid);
  if (problem !== undefined) return problem;
  const { addon } = host.native;
  if (addon === null) return affinityByStatus(host, tid);
  const cpus = readMask(addon, tid ?? 0);
  return typeof cpus === 'number' ? threadRefused(call, cpus, tid) : verified(cpus);
}

/**
 * Lets a thread run on these CPUs only. The kernel takes it at its word where it can, and silently leaves out what the cpuset of the process
 * forbids and what is not online; nothing left is EINVAL. A set that was narrowed is `refused` with `errno: null`: it is not what was asked,
 * though the narrower set is in force, and the reason has both.
 * @throws PlatformOptionError for an empty set, and CPUs that are no whole numbers below MAX_CPUS
 */
export function setAffinity(
  cpus: Iterable<number>,
  tid?: number,
  host: ThreadHost = thisThreadHost(),
): Answer<CpuSet> {
  const asked = parseCpuList(formatCpuList(cpus));
  if (asked.length === 0) throw new PlatformOptionError('cpus', 'an empty set, expected at least one CPU');
  const text = formatCpuList(asked);
  const call = `sched_setaffinity(${threadText(tid)}, ${text})`;
  const problem = checkThread(host, call, tid);
  if (problem !== undefined) return problem;
  const { addon, reason } = host.native;
  if (addon === null) return unsupported(`${call} needs the addon, and ${reason}; the mask can be read`);
  const mask = encode(asked);
  const result = addon.setAffinity(tid ?? 0, mask, 0, mask.length);
  if (result < 0) {
    const hint =
      result === EINVAL
        ? `none of CPUs ${text} is both online (${read(host, '/sys/devices/system/cpu/online')}) and in the cpuset of this process`
        : undefined;
    return threadRefused(call, result, tid, hint);
  }
  const found = readMask(addon, tid ?? 0);
  if (typeof found === 'number') return threadRefused(`${call}, reading back,`, found, tid);
  const got = formatCpuList(found);
  if (got === text) return verified(found);
  return differs(
    `${call} succeeded, but the thread may run on ${got}: the others of ${text} are not online ` +
      `(${read(host, '/sys/devices/system/cpu/online')}), or not in the cpuset of this process; ${got} is in force now`,
  );
}

/** A mask as the kernel reads it, in whole words. Bytes in the order of the machine, which is little-endian on all that have an addon. */
function encode(cpus: CpuSet): Uint8Array {
  const bytes = Math.ceil(((cpus.at(-1) ?? 0) + 1) / 64) * WORD_BYTES;
  const mask = new Uint8Array(bytes);
  for (const cpu of cpus) mask[cpu >>> 3] = (mask[cpu >>> 3] ?? 0) | (1 << (cpu & 7));
  return mask;
}

/** A set, or -errno. Grows until the kernel finds room. */
function readMask(addon: NativeThreads, tid: number): CpuSet | number {
  for (let bytes = FIRST_MASK_BYTES; ; bytes *= 2) {
    const mask = new Uint8Array(bytes);
    const written = addon.affinity(tid, mask, 0, bytes);
    if (written === EINVAL && bytes < LAST_MASK_BYTES) continue;
    if (written < 0) return written;
    const cpus: number[] = [];
    for (let cpu = 0; cpu < written * 8; cpu++)
      if (((mask[cpu >>> 3] ?? 0) >>> (cpu & 7)) & 1) cpus.push(cpu);
    return cpus;
  }
}

/** The mask in /proc has CPUs that are not online too, and the system call has not. */
function affinityByStatus(host: ThreadHost, tid: number | undefined): Answer<CpuSet> {
  const path = `${threadDirectory(tid)}/status`;
  const list = /^Cpus_allowed_list:[ \t]*(.*)$/m.exec(host.fs.readFile(path) ?? '')?.[1];
  if (list === undefined)
    return unsupported(`no line "Cpus_allowed_list" in ${path}, and ${host.native.reason}`);
  try {
    const online = host.fs.readFile('/sys/devices/system/cpu/online');
    const allowed = parseCpuList(list);
    if (online === undefined) return verified(allowed);
    const there = new Set(parseCpuList(online));
    return verified(allowed.filter((cpu) => there.has(cpu)));
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return unsupported(`${path}: ${error.message}`);
  }
}

function read(host: ThreadHost, path: string): string {
  return host.fs.readFile(path)?.trim() ?? `${path} cannot be read`;
}
